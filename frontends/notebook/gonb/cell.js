// Shows the widget in the output of the cell, where GoNB's channel reaches this page.
// All that is typed and clicked goes by that channel, and nothing into the notebook.
async ({ id, address, widget, host, style, lost }) => {
  const load = (source) => import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const [{ default: module }, { mount }] = await Promise.all([load(widget), load(host)]);
  const el = document.getElementById(id);
  if (!globalThis.gonb_comm || !el) return;
  const sheet = document.createElement("style");
  sheet.textContent = style;
  const root = document.createElement("div");
  el.replaceChildren(sheet, root);

  let comm; // GoNB makes another when this page was slow to answer
  let receive = () => {};
  let heard = Date.now();
  let silent = false;
  const send = (message) => adopt()?.send(address, JSON.stringify(message));
  const hello = () => send({ v: 1, type: "hello" }); // has everything sent anew
  function adopt() {
    const now = globalThis.gonb_comm;
    if (now && now !== comm) {
      const again = comm !== undefined;
      comm = now;
      comm.subscribe(address, take);
      if (again) hello();
    }
    return comm;
  }
  function take(_, text) {
    heard = Date.now();
    if (silent) hello();
    silent = false;
    if (text === "ping") return comm.send(address, "pong");
    const message = JSON.parse(text);
    if (message.phase === "detached") clearInterval(watch);
    receive(message);
  }
  // The cell pings. Where it does not, the kernel has ended or was restarted, and
  // nobody is behind the widget.
  const watch = setInterval(() => {
    if (!root.isConnected) return clearInterval(watch);
    adopt();
    if (silent || Date.now() - heard < lost) return;
    silent = true;
    receive({ v: 1, type: "fatal", code: "lost", message: "The cell does not answer. It has ended, or was interrupted: run it again." });
  }, 1000);
  adopt();
  await mount(module, root, { send, onmessage: (f) => (receive = f) });
}
