// The sign-in widget of tokentoss: an anywidget front-end module (AFM). It shows what
// the snapshots of tokentoss.widget/1 say, and sends what the person does. It holds
// nothing: no trait is synced, and nothing that is typed outlives its message.

/**
 * @typedef {{code: string, message: string, detail?: string}} Problem
 * @typedef {{v: 1, type: "snapshot", seq: number, attempt: number, phase: string, account?: string, reason?: string,
 *   ends?: string, busy?: string, error?: Problem, stuck?: boolean, remote_hint: boolean, caps: string[]}} Snapshot
 * @typedef {{v: 1, type: "armed", attempt: number, auth_url: string, code?: string, expires_in: number}} Armed
 * @typedef {{v: 1, type: "fatal", code: string, message: string}} Fatal
 * @typedef {{v: 1, type: "show", face: string}} Show
 * @typedef {Snapshot | Armed | Fatal | Show} Message
 * @typedef {import("@anywidget/types").AnyModel} Model
 * @typedef {{snapshot: Snapshot, armed?: Armed, opened: number, refused: boolean, window?: Window | null,
 *   changing: boolean, fatal?: Fatal, send: (type: string, fields?: object) => void, update: () => void}} State
 * @typedef {{el: HTMLElement, title: HTMLElement, update: (s: State) => void}} Face
 */

const VERSION = 1;

const SVG = "http://www.w3.org/2000/svg";

/** The parts of Google's G. @type {[fill: string, d: string][]} */
const G = [
  ["#EA4335", "M24 9.5c3.54 0 6.71 1.22 9.21 3.6l6.85-6.85C35.9 2.38 30.47 0 24 0 14.62 0 6.51 5.38 2.56 13.22" +
    "l7.98 6.19C12.43 13.72 17.74 9.5 24 9.5z"],
  ["#4285F4", "M46.98 24.55c0-1.57-.15-3.09-.38-4.55H24v9.02h12.94c-.58 2.96-2.26 5.48-4.78 7.18l7.73 6" +
    "c4.51-4.18 7.09-10.36 7.09-17.65z"],
  ["#FBBC05", "M10.53 28.59c-.48-1.45-.76-2.99-.76-4.59s.27-3.14.76-4.59l-7.98-6.19C.92 16.46 0 20.12 0 24" +
    "c0 3.88.92 7.54 2.56 10.78l7.97-6.19z"],
  ["#34A853", "M24 48c6.48 0 11.93-2.13 15.89-5.81l-7.73-6c-2.15 1.45-4.92 2.3-8.16 2.3-6.26 0-11.57-4.22-13.47-9.91" +
    "l-7.98 6.19C6.51 42.62 14.62 48 24 48z"],
];

/** @type {Fatal} */
const LOST = {
  v: VERSION, type: "fatal", code: "lost", message: "The kernel was restarted, or has ended. Run this cell again.",
};

/** Messages that came before a view was there, by the widget's id. @type {Map<unknown, Message[]>} */
const early = new Map();

/** @param {{model: Model}} context */
function initialize({ model }) {
  const id = model.get("_tt_id");
  /** @type {Message[]} */
  const kept = [];
  early.set(id, kept);
  const keep = (/** @type {Message} */ m) => {
    if (kept.push(m) > 20) kept.shift(); // the last of each kind is what counts
  };
  model.on("msg:custom", keep);
  return () => {
    model.off("msg:custom", keep);
    early.delete(id);
  };
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  /** @type {State} */
  const state = {
    snapshot: { v: VERSION, type: "snapshot", seq: 0, attempt: 0, phase: "starting", remote_hint: false, caps: [] },
    opened: 0, refused: false, changing: false, update() {},
    send: (type, fields) => model.send({ v: VERSION, type, ...fields }),
  };
  state.update = screen(el, state);
  const forgetTheme = followTheme(/** @type {HTMLElement} */ (el.firstElementChild));
  let silence = 0;
  const receive = (/** @type {Message} */ m) => {
    clearTimeout(silence);
    take(state, m);
    state.update();
  };
  state.update();
  for (const m of early.get(model.get("_tt_id")) ?? []) receive(m);
  model.on("msg:custom", receive);
  // Nothing is armed for a tab that nobody sees.
  const look = () => receive(state.snapshot);
  document.addEventListener("visibilitychange", look);
  window.addEventListener("focus", state.update); // a window that the person has closed meanwhile is noticed
  // Jupyter's front ends tell that the connection to the kernel is not what it was: there is another kernel, or the
  // same again, whose answer to this may come late.
  const doubt = () => {
    clearTimeout(silence);
    silence = window.setTimeout(() => receive(LOST), 3000);
    try {
      state.send("hello");
    } catch {
      // There is nobody to send it to.
    }
  };
  model.on("comm_live_update", doubt);
  state.send("hello");
  return () => {
    clearTimeout(silence);
    forgetTheme();
    model.off("comm_live_update", doubt);
    window.removeEventListener("focus", state.update);
    document.removeEventListener("visibilitychange", look);
    model.off("msg:custom", receive);
    names().delete(el.firstElementChild?.getAttribute("aria-label") ?? null);
    el.replaceChildren();
  };
}

export default { initialize, render };

/** Takes a message into the state; an older one, or one of an attempt that is over, changes nothing.
 * @param {State} s @param {Message} m */
export function take(s, m) {
  if (m?.v !== VERSION) return;
  if (m.type === "fatal") {
    s.fatal = m;
    s.snapshot = { ...s.snapshot, seq: 0 }; // what comes next may be of another run
  } else if (m.type === "show") {
    s.changing = m.face === "configure"; // as the host's person asked, before anything was clicked here
  } else if (m.type === "armed" && safe(m.auth_url) && m.attempt >= (s.armed?.attempt ?? 0)) {
    s.armed = m;
  } else if (m.type === "snapshot" && m.seq >= s.snapshot.seq) {
    if (m.attempt !== s.opened) s.opened = 0;
    if (m.attempt === 0) s.armed = undefined;
    if (m.busy === "configure" || m.phase === "unconfigured") s.changing = false;
    s.fatal = undefined;
    s.snapshot = m;
    const wanted = (m.phase === "signed_out" || m.phase === "needs_sign_in") && !m.stuck && !m.busy;
    if (wanted && m.attempt === 0 && !document.hidden) s.send("arm", { seq: m.seq });
  }
}

/** Tells whether an address may be opened: a page over TLS, or of this machine. @param {string} address */
export function safe(address) {
  const u = URL.canParse(address) ? new URL(address) : undefined;
  return u?.protocol === "https:" || (u?.protocol === "http:" && isLoopback(u.hostname));
}

/** @param {string} host */
const isLoopback = (host) => ["localhost", "127.0.0.1", "[::1]"].includes(host);

/** Returns what brings the screen up to date. It keeps the focus where the person has it.
 * @param {HTMLElement} el @param {State} state */
function screen(el, state) {
  const root = h("section", { class: "tokentoss", "aria-label": freeName() });
  const live = h("p", { class: "tt-hidden", role: "status", "aria-live": "polite" });
  /** @type {FaceName} */
  let name = "working";
  let face = faces[name](state);
  const cell = h("div", { class: "tt-cell" }, face.el); // what is in it knows how wide it is
  root.append(cell, live);
  el.replaceChildren(root);
  return () => {
    const focused = root.contains(document.activeElement);
    if (faceOf(state) !== name) {
      name = faceOf(state);
      face = faces[name](state);
      cell.replaceChildren(face.el);
    }
    face.update(state);
    // What had the focus may be gone, or hidden now.
    const active = document.activeElement;
    if (focused && (!root.contains(active) || active?.closest("[hidden]"))) face.title.focus();
    root.setAttribute("aria-busy", String(name === "working" || !!state.snapshot.busy));
    set(live, face.title.textContent ?? "");
  };
}

/** Keeps an element light or dark as what it stands on is, which hosts have many words for.
 * @param {HTMLElement} el @returns {() => void} ends it */
function followTheme(el) {
  // JupyterLab's colours are used, and its own word goes with them: see the style.
  const look = () => (el.style.colorScheme = el.closest("[data-jp-theme-light]") ? "" : isDark(el) ? "dark" : "light");
  const changes = new MutationObserver(look);
  const placed = new ResizeObserver(() => { // it is on the page now
    changes.disconnect();
    for (const e of around(el)) changes.observe(e, { attributes: true });
    look();
  });
  placed.observe(el);
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", look);
  document.addEventListener("transitionend", look); // until then colours are those before
  return () => {
    changes.disconnect();
    placed.disconnect();
    system.removeEventListener("change", look);
    document.removeEventListener("transitionend", look);
  };
}

/** What is around an element, out of shadow trees too. @param {Element} el */
function* around(el) {
  for (let e = parentOf(el); e; e = parentOf(e)) yield e;
}

/** @param {Element} e @returns {Element | null} */
function parentOf(e) {
  const root = e.getRootNode();
  return e.assignedSlot ?? e.parentElement ?? (root instanceof window.ShadowRoot ? root.host : null);
}

/** Tells whether what an element stands on is dark: the first ground that can be seen or, where there is none, what
 * the text of the host shows that it is written for. @param {Element} el */
function isDark(el) {
  let text = "";
  for (const e of around(el)) {
    const style = getComputedStyle(e);
    text ||= style.color;
    const ground = lightness(style.backgroundColor);
    if (ground !== undefined) return ground < .5;
  }
  return (lightness(text) ?? 0) >= .5;
}

/** How light a computed colour is, from 0 to 1, or undefined where it cannot be seen
 * (https://www.w3.org/TR/css-color-4/#serializing-color-values). @param {string} color */
export function lightness(color) {
  const [, kind = "", rest = ""] = /^(\w+)\((?:[a-z][\w-]* )?(.*)\)$/.exec(color) ?? [];
  const [a = 0, b = 0, c = 0, alpha = 1] = rest.split(/[\s,/]+/).map((n) => Number.parseFloat(n) || 0); // "none" is 0
  if (!kind || alpha < .5) return undefined;
  if (kind.startsWith("ok")) return a;
  if (kind.startsWith("l")) return a / 100;
  return (.299 * a + .587 * b + .114 * c) / (kind === "color" ? 1 : 255);
}

/** The names of the widgets on the page, for who hears it: those of other copies of this module too, and those that
 * stand in shadow trees. @returns {Set<string | null>} */
const names = () => (/** @type {any} */ (window)[Symbol.for("tokentoss names")] ??= new Set());

/** Returns a name that no other widget on the page has. */
function freeName() {
  let name = "tokentoss sign-in";
  for (let i = 2; names().has(name); i++) name = `tokentoss sign-in ${i}`;
  names().add(name);
  return name;
}

/** @param {State} s @returns {FaceName} */
function faceOf(s) {
  const { phase, busy } = s.snapshot;
  if (s.fatal || phase === "detached") return "ended";
  if (phase === "starting" || phase === "exchanging") return "working";
  if (phase === "unconfigured" || s.changing || busy === "configure") return "configure";
  return phase === "signed_in" ? "signedIn" : "signIn";
}

/** @typedef {"ended" | "working" | "configure" | "signedIn" | "signIn"} FaceName
 * @type {Record<FaceName, (s: State) => Face>} */
const faces = { ended, working, configure, signedIn, signIn };

/** Nobody is behind the widget any more. @returns {Face} */
function ended() {
  const title = heading();
  const text = h("p");
  const problem = alertBox();
  const update = (/** @type {State} */ s) => {
    const { account, error } = s.snapshot;
    const ended = account ? "You are signed in" : error ? "Not signed in" : "tokentoss has ended";
    const next = account ? `Signed in as ${account}. You can close this.` : error ? "" : "Start it again to go on.";
    set(title, !s.fatal ? ended : s.fatal.code === "lost" ? "Connection lost" : "This cannot go on");
    set(text, s.fatal?.message ?? next);
    text.hidden = !text.textContent;
    showProblem(problem, s.fatal ? undefined : error);
  };
  return { el: h("div", { class: "tt-face" }, title, text, problem), title, update };
}

/** Something is under way. @returns {Face} */
function working() {
  const title = heading();
  const late = h("p", { class: "tt-dim", hidden: "" },
    "Nothing answers. In a notebook, run the cell again; otherwise start tokentoss again.");
  setTimeout(() => (late.hidden = false), 15000);
  const spinner = h("span", { class: "tt-spinner", "aria-hidden": "true" });
  const el = h("div", { class: "tt-face" }, h("div", { class: "tt-row" }, spinner, title), late);
  const update = (/** @type {State} */ s) =>
    set(title, s.snapshot.phase === "exchanging" ? "Signing in …" : "Starting …");
  return { el, title, update };
}

/** @param {State} s @returns {Face} */
function signedIn(s) {
  const name = h("span", { class: "tt-name" });
  const title = heading(h("span", { class: "tt-dim" }, "Signed in as "), name);
  const mark = h("span", { class: "tt-mark", "aria-hidden": "true" });
  const ends = h("p", { class: "tt-dim" });
  const out = button("Sign out", () => s.send("sign_out"));
  const problem = alertBox();
  const update = (/** @type {State} */ s) => {
    const { account, ends: until, busy, caps, error } = s.snapshot;
    set(name, account ?? "");
    set(mark, (account ?? "?").charAt(0).toUpperCase());
    set(ends, until ? `Until ${when(until)}; then sign in again.` : "");
    ends.hidden = !until;
    out.hidden = !caps.includes("sign_out");
    set(out, busy ? "Signing out …" : "Sign out");
    disable(out, !!busy);
    showProblem(problem, error);
  };
  const who = h("div", { class: "tt-row" }, mark, h("div", { class: "tt-grow" }, title, ends));
  return { el: h("div", { class: "tt-face" }, who, problem, h("div", { class: "tt-actions" }, out)), title, update };
}

/** Ready to sign in, and waiting for the person who does. @param {State} s @returns {Face} */
function signIn(s) {
  const title = heading();
  const text = h("p");
  const problem = alertBox();
  const code = h("p", { class: "tt-code" });
  const warning = h("p", { class: "tt-dim" },
    "Only if you began this sign-in yourself: whoever has the screen that shows the code is signed in as you.");
  const name = h("span");
  const link = h("a", { class: "tt-button tt-main", target: "_blank", rel: "noopener", role: "link" }, logo(), name);
  link.addEventListener("click", (event) => open(event, s));
  const again = button("Try again", () => s.send("arm", { seq: s.snapshot.seq }), "tt-main");
  const cancel = button("Cancel", () => s.send("cancel", { attempt: s.snapshot.attempt }));
  const help = otherWays(s);
  const update = (/** @type {State} */ s) => {
    const { error, stuck, attempt } = s.snapshot;
    const armed = current(s);
    const waiting = isWaiting(s);
    const other = otherProvider(armed);
    const ready = other ? "Sign in to continue" : "Sign in with Google to continue";
    const wanted = s.snapshot.phase === "needs_sign_in" ? "Please sign in again" : ready;
    set(title, waiting ? "Finish in the other window" : wanted);
    set(text, explain(s, waiting));
    showProblem(problem, error);
    // Both are there before the address can be opened.
    set(code, armed?.code ? `Type in this code at ${new URL(armed.auth_url).host}: ${armed.code}` : "");
    code.hidden = warning.hidden = !armed?.code;
    arm(link, name, armed, waiting);
    link.hidden = !!stuck && !attempt;
    again.hidden = !stuck || !!attempt;
    cancel.hidden = !waiting;
    help.update(s, waiting);
  };
  const actions = h("div", { class: "tt-actions" }, link, again, cancel);
  return { el: h("div", { class: "tt-face" }, title, text, problem, code, warning, actions, help.el), title, update };
}

/** @param {State} s @param {boolean} waiting */
function explain(s, waiting) {
  const { account, reason, phase } = s.snapshot;
  if (waiting && s.refused) {
    return "The browser did not let a window open. If there is no new tab either, copy the address below into one.";
  }
  // It also looks closed to this page where the provider's page lets no other page near it.
  if (waiting && s.window?.closed) return "If that window is gone, open it again, or cancel.";
  if (waiting) return "This page notices when you are signed in there.";
  if (reason) return sentence(reason);
  if (phase === "needs_sign_in") return "The session has ended.";
  return account ? `You are signed in as ${account} now.` : "You are asked in a window of its own.";
}

/** The address that can be opened now. @param {State} s */
const current = (s) => (s.armed && s.armed.attempt === s.snapshot.attempt ? s.armed : undefined);

/** The click counts before the backend, which may be busy, has heard of it. @param {State} s */
const isWaiting = (s) => s.snapshot.phase === "waiting" || (s.opened !== 0 && s.opened === s.snapshot.attempt);

/** The host of a provider that is not Google. An emulator on this machine stands for Google.
 * @param {Armed | undefined} armed */
function otherProvider(armed) {
  const host = armed ? new URL(armed.auth_url).hostname : "";
  return host && !isLoopback(host) && !/^(accounts|www)\.google\.com$/.test(host) ? host : undefined;
}

/** @param {HTMLElement} link @param {HTMLElement} name @param {Armed | undefined} armed @param {boolean} waiting */
function arm(link, name, armed, waiting) {
  const other = otherProvider(armed);
  const action = other ? `Sign in at ${other}` : "Sign in with Google";
  set(name, waiting ? "Open the window again" : armed ? action : "Getting ready …");
  if (armed) link.setAttribute("href", armed.auth_url);
  else link.removeAttribute("href");
  disable(link, !armed);
  link.classList.toggle("tt-main", !waiting);
  link.classList.toggle("tt-google", !waiting && !other);
}

/** Opens the address in a window. Where that is refused, the link itself opens a tab.
 * @param {MouseEvent} event @param {State} s */
function open(event, s) {
  const armed = current(s);
  if (!armed) return event.preventDefault();
  const w = window.open(armed.auth_url, "tokentoss-sign-in", "popup,width=520,height=720");
  if (w) {
    event.preventDefault();
    w.opener = null; // the provider's page has no business here
  }
  s.refused = !w;
  s.window = w;
  s.opened = armed.attempt;
  s.send("opened", { attempt: armed.attempt });
  s.update();
}

/** What to do where the window, or the way back from it, does not work. @param {State} s */
function otherWays(s) {
  const address = input("text", { readonly: "" });
  address.addEventListener("focus", () => address.select());
  const copy = button("Copy", () => {
    address.focus(); // selects it, for where a page may not copy
    navigator.clipboard?.writeText(address.value).then(() => set(copy, "Copied"), () => {});
  });
  const paste = input("password", { required: "" });
  const form = h("form", {},
    label(paste, "Did it end on a page that cannot be reached? Paste the whole address of that page"),
    h("div", { class: "tt-row" }, paste, h("button", { class: "tt-button", type: "submit" }, "Continue")));
  onSubmit(form, () => {
    const url = paste.value;
    paste.value = "";
    if (url) s.send("redirect", { url, attempt: s.snapshot.attempt });
  });
  const ways = h("div", {}, label(address, "Open this address in any browser"),
    h("div", { class: "tt-row" }, address, copy), form);
  const change = button("Change OAuth client", () => turn(s, true), "tt-plain");
  const el = h("details", { class: "tt-more" }, h("summary", {}, "The window does not open, or ends on an error?"),
    ways, h("div", { class: "tt-actions" }, change));
  let told = false;
  const update = (/** @type {State} */ s, /** @type {boolean} */ waiting) => {
    const armed = current(s);
    address.value = armed?.auth_url ?? "";
    form.hidden = !!armed?.code; // there is no way back that could fail
    change.hidden = waiting || !s.snapshot.caps.includes("configure");
    ways.hidden = !armed;
    el.hidden = !armed && change.hidden;
    // Opened for the person once; whether it stays open is theirs to say.
    const likely = s.refused || s.snapshot.remote_hint || !onThisMachine();
    const useful = (waiting && likely) || s.snapshot.error?.code === "bad_answer";
    if (useful && !told) el.open = true;
    told = useful;
  };
  return { el, update };
}

/** A guess, which only opens the box to paste in. */
const onThisMachine = () => /^(localhost|127\..*|\[::1\])$/.test(window.location.hostname);

/** Goes to the face for the client, and back. @param {State} s @param {boolean} changing */
const turn = (s, changing) => void ((s.changing = changing), s.update());

/** Asks for the OAuth client. @param {State} s @returns {Face} */
function configure(s) {
  const title = heading();
  const href = "https://console.cloud.google.com/apis/credentials";
  const text = h("p", {},
    "tokentoss signs you in by an OAuth client of the type “Desktop app”. Its ID and secret are in ",
    h("a", { href, target: "_blank", rel: "noopener noreferrer" }, "Google Cloud’s console"),
    ", where the file with both can be downloaded.");
  const problem = alertBox();
  const file = input("file", { accept: ".json,application/json" });
  const clientID = input("text", { required: "" });
  const secret = input("password");
  let project = "";
  const fields = { clientID, secret, project: (/** @type {string} */ p) => (project = p) };
  file.addEventListener("change", () => readFile(file, fields, (p) => showProblem(problem, p)));
  const save = h("button", { class: "tt-button tt-main", type: "submit" });
  const back = button("Back", () => turn(s, false));
  const form = h("form", {}, label(file, "Take both from the file"), file, label(clientID, "Client ID"), clientID,
    label(secret, "Client secret"), secret, h("div", { class: "tt-actions" }, save, back));
  onSubmit(form, () => {
    const client = { client_id: clientID.value.trim(), client_secret: secret.value.trim(), project_id: project };
    secret.value = "";
    file.value = "";
    s.send("configure", client);
  });
  const update = (/** @type {State} */ s) => {
    const { busy, phase, error, caps } = s.snapshot;
    const given = !caps.includes("configure"); // by who runs this, and it is missing
    text.hidden = form.hidden = given;
    set(title, given ? "There is no OAuth client here: ask who runs this" : phase === "unconfigured" ? "No OAuth client is configured yet" : "Change the OAuth client");
    set(save, busy ? "Saving …" : "Save");
    disable(save, !!busy);
    back.hidden = phase === "unconfigured" || !!busy;
    showProblem(problem, error);
  };
  return { el: h("div", { class: "tt-face" }, title, text, problem, form), title, update };
}

/** Takes the client from a file as Google's console gives it.
 * @param {HTMLInputElement} input
 * @param {{clientID: HTMLInputElement, secret: HTMLInputElement, project: (p: string) => void}} fields
 * @param {(p: Problem | undefined) => void} tell */
async function readFile(input, fields, tell) {
  const file = input.files?.[0];
  if (!file) return;
  try {
    const { installed, web } = JSON.parse(file.size < 65536 ? await file.text() : "");
    if (web) {
      throw new Error("it is a client of the type “Web application”; one of the type “Desktop app” is needed");
    }
    if (typeof installed?.client_id !== "string") throw new Error("it is not the file of an OAuth client");
    fields.clientID.value = installed.client_id;
    fields.secret.value = String(installed.client_secret ?? "");
    fields.project(String(installed.project_id ?? ""));
    tell(undefined);
  } catch (error) {
    const detail = error instanceof SyntaxError ? "it is not JSON" : error instanceof Error ? error.message : "";
    tell({ code: "file", message: "That file cannot be used.", detail });
  }
}

/** Makes an element. Text is only ever set as text.
 * @template {keyof HTMLElementTagNameMap} T @param {T} tag @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children */
function h(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  el.append(...children);
  return el;
}

const heading = (/** @type {Node[]} */ ...children) => h("h2", { class: "tt-title", tabindex: "-1" }, ...children);
const alertBox = () => h("div", { class: "tt-alert", role: "alert", hidden: "" });

/** @param {string} text @param {() => void} click @param {string} [look] */
function button(text, click, look = "") {
  const b = h("button", { class: `tt-button ${look}`, type: "button" }, text);
  b.addEventListener("click", () => b.getAttribute("aria-disabled") === null && click());
  return b;
}

/** Keeps the focus, which the disabled attribute would lose. @param {HTMLElement} el @param {boolean} off */
function disable(el, off) {
  if (off) el.setAttribute("aria-disabled", "true");
  else el.removeAttribute("aria-disabled");
}

/** @param {HTMLFormElement} form @param {() => void} submit */
function onSubmit(form, submit) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  // JupyterLab would keep the Enter key from the forms in cells.
  form.addEventListener("beforeinput", (event) => {
    if (event.inputType === "insertLineBreak") event.stopPropagation();
  }, true);
}

/** @param {HTMLElement} field @param {string} text */
const label = (field, text) => h("label", { for: field.id }, text);

/** @param {string} type @param {Record<string, string>} [attributes] */
function input(type, attributes = {}) {
  const plain = { autocomplete: "off", autocapitalize: "off", spellcheck: "false" };
  return h("input", { type, id: id(), class: "tt-input", ...plain, ...attributes });
}

// A page may have this module more than once.
const prefix = `tokentoss-${Math.random().toString(36).slice(2, 10)}`;
let ids = 0;
const id = () => `${prefix}-${++ids}`;

/** Google's G, as its branding guidelines have it
 * (https://developers.google.com/identity/branding-guidelines): with its colours, which no theme changes. */
function logo() {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ class: "tt-logo", viewBox: "0 0 48 48", "aria-hidden": "true" })) {
    svg.setAttribute(name, value);
  }
  for (const [fill, d] of G) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.style.all = "initial"; // no host's rule for pictures changes it
    path.style.setProperty("d", `path("${d}")`);
    path.style.fill = fill;
    svg.append(path);
  }
  return svg;
}

/** Changes a text only where it differs: screen readers read it again. @param {HTMLElement} el @param {string} text */
function set(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

/** @param {HTMLElement} box @param {Problem | undefined} p */
function showProblem(box, p) {
  set(box, p ? `${p.message} ${sentence(p.detail ?? "")}`.trim() : "");
  box.hidden = !p;
}

/** Makes a sentence of what an error says. A code, such as access_denied, is none, and is quoted.
 * @param {string} text */
function sentence(text) {
  if (/^[a-z0-9]+(_[a-z0-9]+)+$/.test(text)) return `The provider’s answer was “${text}”.`;
  return text.charAt(0).toUpperCase() + text.slice(1) + (/([.!?…]|^)$/.test(text) ? "" : ".");
}

/** @param {string} time */
function when(time) {
  const t = new Date(time);
  const today = new Date().toDateString() === t.toDateString();
  if (today) return t.toLocaleTimeString([], { timeStyle: "short" });
  return t.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}
