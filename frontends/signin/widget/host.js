// Shows an anywidget front-end module outside a notebook, over any carrier of
// messages.

/**
 * @typedef {{send(message: unknown): void, onmessage(f: (message: unknown) => void): void}} Transport
 * @typedef {(...args: any[]) => void} Listener
 */

/**
 * Returns what anywidget calls a model: messages go by the transport, and state stays
 * here.
 * @param {Transport} transport @param {Record<string, unknown>} [state]
 */
export function createModel(transport, state = {}) {
  const values = new Map(Object.entries(state));
  /** @type {Map<string, Set<Listener>>} */
  const listeners = new Map();
  const model = {
    get: (/** @type {string} */ key) => values.get(key),
    set(/** @type {string} */ key, /** @type {unknown} */ value) {
      values.set(key, value);
      emit(`change:${key}`, model, value);
    },
    save_changes() {},
    send: (/** @type {unknown} */ content) => transport.send(content),
    on(/** @type {string} */ event, /** @type {Listener} */ f) {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(f));
    },
    off(/** @type {string} */ event, /** @type {Listener} */ f) {
      listeners.get(event)?.delete(f);
    },
  };
  /** @param {string} event @param {any[]} args */
  function emit(event, ...args) {
    for (const f of [...(listeners.get(event) ?? [])]) f(...args);
  }
  transport.onmessage((message) => emit("msg:custom", message, []));
  return model;
}

let widgets = 0;

/**
 * Shows a module in el, and returns what takes it away again.
 * @param {any} module what it exports as default @param {HTMLElement} el @param {Transport} transport
 */
export async function mount(module, el, transport) {
  const widget = typeof module === "function" ? await module() : module;
  const model = createModel(transport, { _tt_id: `host-${++widgets}` });
  const forget = await widget.initialize?.({ model });
  const remove = await widget.render?.({ model, el });
  return async () => {
    await remove?.();
    await forget?.();
  };
}
