// Shows the widget in the output of the cell, where GoNB's channel reaches this page.
// All that is typed and clicked goes by that channel, and nothing into the notebook.
async ({ id, address, widget, host, style }) => {
  const comm = globalThis.gonb_comm;
  const el = document.getElementById(id);
  if (!comm || !el) return;
  const load = (source) => import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const [{ default: module }, { mount }] = await Promise.all([load(widget), load(host)]);
  const sheet = document.createElement("style");
  sheet.textContent = style;
  const root = document.createElement("div");
  el.replaceChildren(sheet, root);
  await mount(module, root, {
    send: (message) => comm.send(address, JSON.stringify(message)),
    onmessage: (f) => comm.subscribe(address, (_, text) => f(JSON.parse(text))),
  });
}
