// The widget and its host, against a fake backend in a DOM of jsdom.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { JSDOM } from "jsdom";

import { mount } from "./host.js";
import widget, { lightness, safe } from "./widget.js";

const URL_1 = "https://accounts.google.com/auth?state=planted-state&code_challenge=x";

/** A backend that a test plays. */
function backend() {
  let receive;
  const sent = [];
  let seq = 0;
  return {
    sent,
    transport: { send: (m) => sent.push(m), onmessage: (f) => (receive = f) },
    raw: (m) => receive(m),
    snapshot: (phase, more = {}) =>
      receive({ v: 1, type: "snapshot", seq: ++seq, attempt: 0, phase, remote_hint: false, caps: ["configure", "sign_out"], ...more }),
    armed: (attempt, auth_url = URL_1, more = {}) => receive({ v: 1, type: "armed", attempt, auth_url, expires_in: 300, ...more }),
    /** Sent messages of a type. */
    of: (type) => sent.filter((m) => m.type === type),
  };
}

/** What jsdom has not: it has no layout. */
class Nothing {
  observe() {}
  disconnect() {}
}

let dom, el, back, remove, opened;

beforeEach(async () => {
  dom = new JSDOM("<!doctype html><body><button id=other>other</button><div id=widget></div></body>", { url: "http://127.0.0.1:1234/", pretendToBeVisual: true });
  const { document, MutationObserver, getComputedStyle } = dom.window;
  Object.assign(globalThis, { window: dom.window, document, MutationObserver, getComputedStyle, ResizeObserver: Nothing });
  dom.window.matchMedia = () => new dom.window.EventTarget();
  Object.defineProperty(globalThis, "navigator", { value: dom.window.navigator, configurable: true });
  globalThis.setTimeout = (f) => (f.unref?.(), 0); // nothing here waits
  opened = [];
  dom.window.open = (...args) => (opened.push(args), { opener: dom.window });
  el = document.getElementById("widget");
  back = backend();
  remove = await mount(widget, el, back.transport);
});

afterEach(() => remove());

const $ = (selector) => el.querySelector(selector);
const visible = (node) => node && !node.closest("[hidden]");
const text = () => [...el.querySelectorAll("h2,p,div.tt-alert,label")].filter(visible).map((n) => n.textContent).join("\n");
const control = (name) => [...el.querySelectorAll("a,button")].filter(visible).find((n) => n.textContent === name);
const click = (node) => {
  const event = new dom.window.MouseEvent("click", { bubbles: true, cancelable: true });
  node.dispatchEvent(event);
  return event;
};
const submit = (form) => form.dispatchEvent(new dom.window.Event("submit", { bubbles: true, cancelable: true }));
const field = (label) => {
  const found = [...el.querySelectorAll("label")].find((l) => l.textContent.startsWith(label));
  return document.getElementById(found.getAttribute("for"));
};

test("a view says hello, and says what is under way", () => {
  assert.deepEqual(back.sent, [{ v: 1, type: "hello" }]);
  assert.match(text(), /Starting/);
  assert.equal($("section").getAttribute("aria-busy"), "true");
});

test("it arms before the click: once a snapshot, and not where it is stuck", () => {
  back.snapshot("signed_out");
  assert.equal(back.of("arm").length, 1);
  back.snapshot("signed_out", { attempt: 1 });
  back.snapshot("signed_out", { stuck: true, error: { code: "offline", message: "Down." } });
  back.snapshot("signed_in", { account: "ada@example.com" });
  back.snapshot("signed_out", { busy: "configure" });
  assert.equal(back.of("arm").length, 1);
  back.snapshot("needs_sign_in", { reason: "too old" });
  assert.deepEqual(back.of("arm").map((m) => m.seq), [1, 6]); // what it has seen
});

test("a tab that nobody sees arms when it is seen again", () => {
  let hidden = true;
  Object.defineProperty(document, "hidden", { get: () => hidden });
  back.snapshot("signed_out");
  assert.equal(back.of("arm").length, 0);
  hidden = false;
  document.dispatchEvent(new dom.window.Event("visibilitychange"));
  assert.equal(back.of("arm").length, 1);
});

test("the control is a real link, which has no address before there is one", () => {
  back.snapshot("signed_out", { attempt: 1 });
  const link = $("a.tt-button");
  assert.equal(link.getAttribute("href"), null);
  assert.equal(link.getAttribute("aria-disabled"), "true");
  click(link);
  assert.equal(opened.length, 0);
  back.armed(1);
  assert.equal(link.getAttribute("href"), URL_1);
  assert.equal(link.getAttribute("target"), "_blank");
  assert.match(link.getAttribute("rel"), /noopener/);
  assert.equal(link.getAttribute("aria-disabled"), null);
});

test("a click opens a window in the same turn, and tells", () => {
  back.snapshot("signed_out", { attempt: 1 });
  back.armed(1);
  const w = { opener: dom.window };
  dom.window.open = (...args) => (opened.push(args), w);
  const event = click(control("Sign in with Google"));
  assert.equal(opened[0][0], URL_1);
  assert.equal(w.opener, null);
  assert.equal(event.defaultPrevented, true);
  assert.deepEqual(back.of("opened"), [{ v: 1, type: "opened", attempt: 1 }]);
  assert.match(text(), /Finish in the other window/); // before the backend has heard of it
  assert.equal($("details").open, false);
});

test("where the window is refused, the link itself opens and the page says what to do", () => {
  back.snapshot("signed_out", { attempt: 1 });
  back.armed(1);
  dom.window.open = () => null;
  const event = click(control("Sign in with Google"));
  assert.equal(event.defaultPrevented, false);
  assert.match(text(), /did not let a window open/);
  assert.equal($("details").open, true);
  assert.equal(field("Open this address").value, URL_1);
});

test("an address that is no page is not opened", () => {
  for (const bad of ["javascript:alert(1)", "http://evil.example/", "data:text/html,x", "", "//x", "http://127.0.0.1.evil.example/", undefined]) {
    assert.equal(safe(bad), false, String(bad));
  }
  for (const good of [URL_1, "http://127.0.0.1:80/x", "http://localhost/x", "http://[::1]:1/"]) assert.equal(safe(good), true, good);
  back.snapshot("signed_out", { attempt: 1 });
  back.armed(1, "javascript:alert(1)");
  assert.equal($("a.tt-button").getAttribute("href"), null);
});

test("what is pasted is sent as it is, and is gone before that", () => {
  back.snapshot("waiting", { attempt: 3, remote_hint: true });
  back.armed(3);
  const input = field("Did it end on");
  assert.equal(input.type, "password");
  assert.equal(input.autocomplete, "off");
  input.value = "http://127.0.0.1:1/?code=planted-code&state=s";
  let atSend;
  const send = back.sent.push;
  back.sent.push = (m) => ((atSend = input.value), send.call(back.sent, m));
  submit(input.closest("form"));
  assert.deepEqual(back.of("redirect"), [{ v: 1, type: "redirect", url: "http://127.0.0.1:1/?code=planted-code&state=s", attempt: 3 }]);
  assert.equal(atSend, "");
  assert.doesNotMatch(el.outerHTML, /planted-code/);
});

test("the box to paste in opens by itself where it is likely to be needed, once", () => {
  back.snapshot("waiting", { attempt: 1, remote_hint: true });
  back.armed(1);
  assert.equal($("details").open, true);
  $("details").open = false;
  back.snapshot("waiting", { attempt: 1, remote_hint: true });
  assert.equal($("details").open, false);
});

test("the client's secret is typed unseen, and gone before it is sent", () => {
  back.snapshot("unconfigured");
  field("Client ID").value = " id ";
  const secret = field("Client secret");
  assert.equal(secret.type, "password");
  secret.value = "planted-secret";
  submit($("form"));
  assert.deepEqual(back.of("configure"), [{ v: 1, type: "configure", client_id: "id", client_secret: "planted-secret", project_id: "" }]);
  assert.equal(secret.value, "");
  assert.doesNotMatch(el.outerHTML, /planted-secret/);
  back.snapshot("unconfigured", { error: { code: "bad_client", message: "This cannot be used.", detail: "it is missing" } });
  assert.match(text(), /This cannot be used\. It is missing\./);
  assert.equal(field("Client ID").value, " id "); // not to be typed again
});

for (const [name, content, want] of [
  ["a desktop client", { installed: { client_id: "id-1", client_secret: "s-1", project_id: "p-1" } }, ["id-1", "s-1"]],
  ["a web client", { web: { client_id: "x" } }, "Desktop app"],
  ["another file", { type: "service_account" }, "not the file of an OAuth client"],
  ["no JSON", "<b>", "not JSON"],
]) {
  test(`the file of ${name}`, async () => {
    back.snapshot("unconfigured");
    const input = field("Take both");
    const body = typeof content === "string" ? content : JSON.stringify(content);
    Object.defineProperty(input, "files", { value: [{ size: body.length, text: async () => body }] });
    input.dispatchEvent(new dom.window.Event("change"));
    await new Promise(setImmediate);
    if (typeof want === "string") return assert.match(text(), new RegExp(want));
    assert.deepEqual([field("Client ID").value, field("Client secret").value], want);
    submit($("form"));
    assert.equal(back.of("configure")[0].project_id, "p-1");
  });
}

test("markup in any field is text", () => {
  const bad = "<img src=x onerror=alert(1)>";
  for (const phase of ["signed_out", "needs_sign_in", "waiting", "signed_in", "detached", "unconfigured"]) {
    back.snapshot(phase, { account: bad, reason: bad, attempt: 1, error: { code: bad, message: bad, detail: bad } });
    back.armed(1, URL_1, { code: bad });
    assert.equal(el.querySelector("img"), null, phase);
    assert.match(text(), /onerror/, phase);
  }
  back.raw({ v: 1, type: "fatal", code: bad, message: bad });
  assert.equal(el.querySelector("img"), null);
});

test("older messages, and those of other versions, change nothing", () => {
  back.snapshot("signed_in", { account: "ada@example.com" });
  back.raw({ v: 1, type: "snapshot", seq: 0, attempt: 0, phase: "waiting", remote_hint: false, caps: [] });
  back.raw({ v: 2, type: "snapshot", seq: 99, attempt: 0, phase: "waiting", remote_hint: false, caps: [] });
  back.raw(null);
  back.raw({ v: 1, type: "eval" });
  assert.match(text(), /Signed in as ada@example.com/);
});

test("an address of an attempt that is over is not opened", () => {
  back.snapshot("signed_out", { attempt: 2 });
  back.armed(2);
  back.armed(1, "https://old.invalid/");
  assert.equal($("a.tt-button").getAttribute("href"), URL_1);
  back.snapshot("signed_out", { attempt: 3 });
  assert.equal($("a.tt-button").getAttribute("href"), null);
});

test("the session has ended: it says why", () => {
  back.snapshot("needs_sign_in", { account: "ada@example.com", reason: "the session is older than its lifetime" });
  assert.match(text(), /Please sign in again/);
  assert.match(text(), /The session is older than its lifetime\./);
});

test("the provider is down: it says what to do, and a person tries again", () => {
  back.snapshot("signed_out", { stuck: true, error: { code: "offline", message: "Check the network." } });
  assert.match(text(), /Check the network/);
  assert.equal(control("Sign in with Google"), undefined);
  const before = back.of("arm").length;
  click(control("Try again"));
  assert.equal(back.of("arm").length, before + 1);
});

test("signing out, and cancelling", () => {
  back.snapshot("signed_in", { account: "ada@example.com" });
  click(control("Sign out"));
  back.snapshot("signed_in", { account: "ada@example.com", busy: "sign_out" });
  click(control("Signing out …"));
  assert.equal(back.of("sign_out").length, 1);
  back.snapshot("waiting", { attempt: 4 });
  click(control("Cancel"));
  assert.deepEqual(back.of("cancel"), [{ v: 1, type: "cancel", attempt: 4 }]);
});

test("a detached widget offers nothing, and says how it ended", () => {
  back.snapshot("detached", { account: "ada@example.com" });
  assert.match(text(), /Signed in as ada@example.com/);
  assert.equal([...el.querySelectorAll("a,button,input")].filter(visible).length, 0);
  back.snapshot("detached", { error: { code: "denied", message: "You said no." } });
  assert.match(text(), /Not signed in\n.*You said no/s);
});

test("after a fatal message a later run is shown, however it counts", () => {
  back.snapshot("signed_in", { account: "ada@example.com" });
  back.snapshot("signed_in", { account: "ada@example.com" });
  back.raw({ v: 1, type: "fatal", code: "lost", message: "tokentoss does not answer." });
  assert.match(text(), /does not answer/);
  back.raw({ v: 1, type: "snapshot", seq: 1, attempt: 0, phase: "signed_in", account: "grace@example.com", remote_hint: false, caps: [] });
  assert.match(text(), /grace@example.com/);
});

test("the focus stays in the widget when what had it goes, and is not taken from elsewhere", () => {
  back.snapshot("signed_in", { account: "ada@example.com" });
  control("Sign out").focus();
  back.snapshot("signed_out", { attempt: 1 });
  assert.equal(document.activeElement, $("h2"));
  back.armed(1);
  control("Sign in with Google").focus();
  back.snapshot("waiting", { attempt: 1 });
  assert.equal(document.activeElement, $("a.tt-button")); // the same link
  control("Cancel").focus();
  back.snapshot("signed_out", { attempt: 1 });
  assert.equal(document.activeElement, $("h2")); // it is hidden now
  document.getElementById("other").focus();
  back.snapshot("signed_in", { account: "ada@example.com" });
  assert.equal(document.activeElement.id, "other");
});

test("a code is shown with where to type it in and when not to, before anything opens", () => {
  back.snapshot("signed_out", { attempt: 1 });
  back.armed(1, "https://provider.invalid:8443/device", { code: "GQVQ-JKEC" });
  assert.match(text(), /^Type in this code at provider\.invalid:8443: GQVQ-JKEC$/m);
  assert.match(text(), /Only if you began this sign-in yourself/);
  assert.equal(opened.length, 0);
  const form = $("details form");
  assert.equal(visible(form), false); // nothing to paste
  click(control("Sign in at provider.invalid"));
  assert.equal(opened[0][0], "https://provider.invalid:8443/device"); // the code is not in it
  back.snapshot("waiting", { attempt: 1 });
  assert.match(text(), /GQVQ-JKEC/);
  back.snapshot("signed_out", { attempt: 2 });
  back.armed(2);
  assert.doesNotMatch(text(), /code/);
  assert.equal(form.hidden, false);
});

test("a screen reader hears each state once", () => {
  const live = () => $('[aria-live="polite"]').textContent;
  back.snapshot("signed_out", { attempt: 1 });
  assert.equal(live(), "Sign in with Google to continue");
  let changes = 0;
  new dom.window.MutationObserver((list) => (changes += list.length)).observe($('[aria-live="polite"]'), { childList: true, characterData: true, subtree: true });
  back.snapshot("signed_out", { attempt: 1 });
  back.armed(1);
  return Promise.resolve().then(() => assert.equal(changes, 0));
});

test("every field has a label, and problems are announced", () => {
  for (const phase of ["unconfigured", "waiting"]) {
    back.snapshot(phase, { attempt: 1, error: { code: "x", message: "X." } });
    back.armed(1);
    for (const input of el.querySelectorAll("input")) {
      assert.ok(el.querySelector(`label[for="${input.id}"]`), `${phase}: ${input.id}`);
    }
    assert.equal($(".tt-alert").getAttribute("role"), "alert");
  }
});

test("messages that come before the view are kept for it", async () => {
  const kept = backend();
  const handlers = [];
  const model = {
    get: () => "an id", send: (m) => kept.sent.push(m), on: (_, f) => handlers.push(f), off: (_, f) => handlers.splice(handlers.indexOf(f), 1),
  };
  const forget = widget.initialize({ model: { ...model } });
  for (const m of [{ v: 1, type: "snapshot", seq: 1, attempt: 1, phase: "signed_out", remote_hint: false, caps: [] },
    { v: 1, type: "armed", attempt: 1, auth_url: URL_1, expires_in: 1 }]) handlers.forEach((f) => f(m));
  const views = [document.createElement("div"), document.createElement("div")];
  const removes = views.map((view) => widget.render({ model: { ...model }, el: view })); // a new model for each, as anywidget makes
  for (const view of views) assert.equal(view.querySelector("a.tt-button").getAttribute("href"), URL_1);
  removes.forEach((f) => f());
  forget();
  assert.equal(handlers.length, 0);
  assert.equal(views[0].childNodes.length, 0);
});

test("nothing is ever put into the model's state, which notebooks save", async () => {
  const model = { get: () => "id", send() {}, on() {}, off() {}, set: () => assert.fail("set"), save_changes: () => assert.fail("save_changes") };
  const forget = widget.initialize({ model });
  widget.render({ model, el })();
  forget();
});

test("a host can ask for the OAuth client first, also where there is one", () => {
  back.snapshot("signed_in", { account: "ada@example.com" });
  back.raw({ v: 1, type: "show", face: "configure" });
  assert.match(text(), /Change the OAuth client/);
  back.snapshot("signed_in", { account: "ada@example.com" });
  assert.match(text(), /Change the OAuth client/, "until the person goes back");
  click(control("Back"));
  assert.match(text(), /Signed in as/);
});

test("a view of a kernel that has gone says so, until another answers", () => {
  remove();
  const listeners = new Map();
  const sent = [];
  let late;
  dom.window.setTimeout = (f) => ((late = f), 1);
  let gone = false;
  const send = (m) => {
    if (gone) throw new Error("Cannot send");
    sent.push(m);
  };
  remove = widget.render({ model: { get: () => 1, send, on: (name, f) => listeners.set(name, f), off: (name) => listeners.delete(name) }, el });
  const receive = listeners.get("msg:custom");
  const snapshot = { v: 1, type: "snapshot", seq: 5, attempt: 0, phase: "signed_in", account: "ada@example.com", remote_hint: false, caps: ["sign_out"] };
  receive(snapshot);
  gone = true;
  listeners.get("comm_live_update")();
  assert.match(text(), /Signed in as/);
  late();
  assert.match(text(), /Connection lost/);
  assert.match(text(), /Run this cell again/);
  assert.equal(control("Sign out"), undefined);
  gone = false;
  listeners.get("comm_live_update")();
  assert.equal(sent.length, 2);
  receive({ ...snapshot, seq: 1 });
  assert.match(text(), /Signed in as/);
});

test("another provider is named in place of Google, and Google has its G", () => {
  back.snapshot("signed_out", { attempt: 1 });
  back.armed(1);
  assert.ok($("a.tt-google svg"));
  assert.match(text(), /Sign in with Google to continue/);
  back.armed(1, "https://dex.example.com/auth?client_id=x");
  assert.equal(control("Sign in with Google"), undefined);
  assert.ok(control("Sign in at dex.example.com"));
  assert.match(text(), /Sign in to continue/);
  assert.equal($("a.tt-google"), null);
});

test("a window that the person has closed is noticed", () => {
  back.snapshot("signed_out", { attempt: 1 });
  back.armed(1);
  const w = { closed: false };
  dom.window.open = () => w;
  click(control("Sign in with Google"));
  assert.doesNotMatch(text(), /is gone/);
  w.closed = true;
  dom.window.dispatchEvent(new dom.window.Event("focus"));
  assert.match(text(), /is gone, open it again/);
  w.closed = false;
  click(control("Open the window again"));
  assert.doesNotMatch(text(), /is gone/);
});

test("two widgets on a page have names and fields of their own", async () => {
  const second = document.createElement("div");
  document.body.append(second);
  const other = backend();
  const removeOther = await mount(widget, second, other.transport);
  const names = [...document.querySelectorAll("section.tokentoss")].map((s) => s.getAttribute("aria-label"));
  assert.equal(new Set(names).size, 2);
  for (const each of [back, other]) each.snapshot("unconfigured");
  const ids = [...document.querySelectorAll("[id]")].map((n) => n.id);
  assert.equal(new Set(ids).size, ids.length);
  await removeOther();
});

test("widgets of other copies of the module, in trees of their own, have other names", async () => {
  const name = (root) => root.querySelector("section").getAttribute("aria-label");
  const seen = new Set([name(el)]);
  const removes = [];
  for (const copy of [1, 2]) {
    const module = (await import(`./widget.js?copy=${copy}`)).default;
    const place = document.body.appendChild(document.createElement("div"));
    const tree = place.attachShadow({ mode: "open" });
    removes.push(await mount(module, tree.appendChild(document.createElement("div")), backend().transport));
    seen.add(name(tree));
  }
  assert.equal(seen.size, 3);
  for (const remove of removes) await remove();
  await remove(); // and one that is gone leaves its name
  remove = await mount(widget, el, back.transport);
  assert.equal(name(el), "tokentoss sign-in");
});

test("a code of an error is not taken for a sentence", () => {
  back.snapshot("signed_out", { error: { code: "failed", message: "That did not work.", detail: "access_denied" } });
  assert.match(text(), /The provider’s answer was “access_denied”\./);
  assert.doesNotMatch(text(), /Access_denied/);
});

test("how light a colour is, in each way that browsers write it", () => {
  for (const color of ["rgb(17, 17, 17)", "rgba(0, 0, 0, 0.9)", "rgb(0 0 0 / .8)", "oklch(0.2 0.01 250)", "oklab(0.3 none 0)", "lab(20 1 2)",
    "lch(12 1 2)", "color(srgb 0.1 0.1 0.1)", "color(display-p3 0.1 0.2 0.1)"]) assert.ok(lightness(color) < .5, color);
  for (const color of ["rgb(255, 255, 255)", "rgba(240, 240, 240, 0.9)", "oklch(0.97 0.01 250)", "oklab(1 0 0)", "lab(90 1 2)",
    "color(srgb 0.9 1 1)", "color(display-p3 0.9 0.9 0.9 / 0.7)"]) assert.ok(lightness(color) > .5, color);
  for (const color of ["rgba(0, 0, 0, 0)", "color(srgb 0 0 0 / 0.2)", "oklch(0.2 0 0 / none)", "transparent", ""]) {
    assert.equal(lightness(color), undefined, color);
  }
});
