// Shows the widget in the output of the cell, where GoNB's channel reaches this page.
// All that is typed and clicked goes by that channel, and nothing into the notebook.
async ({ id, address, widget, host, style, lost }) => {
  const comm = globalThis.gonb_comm;
  const el = document.getElementById(id);
  if (!comm || !el) return;
  const load = (source) => import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const [{ default: module }, { mount }] = await Promise.all([load(widget), load(host)]);
  const sheet = document.createElement("style");
  sheet.textContent = style;
  const root = document.createElement("div");
  el.replaceChildren(sheet, root);

  const send = (message) => comm.send(address, JSON.stringify(message));
  const carry = (receive) => {
    let heard = Date.now();
    let silent = false;
    // The cell pings. Where it does not, the kernel has ended or was restarted, and
    // nobody is behind the widget.
    const watch = setInterval(() => {
      if (!root.isConnected) clearInterval(watch);
      if (silent || Date.now() - heard < lost) return;
      silent = true;
      receive({ v: 1, type: "fatal", code: "lost", message: "The cell does not answer. It has ended, or was interrupted: run it again." });
    }, 1000);
    comm.subscribe(address, (_, text) => {
      heard = Date.now();
      if (silent) send({ v: 1, type: "hello" });
      silent = false;
      if (text === "ping") return comm.send(address, "pong");
      const message = JSON.parse(text);
      if (message.phase === "detached") clearInterval(watch);
      receive(message);
    });
  };
  await mount(module, root, { send, onmessage: carry });
}
