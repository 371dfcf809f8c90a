// The local page: the widget, with HTTP for a carrier. Messages go up by POST and come
// down by one answer that does not end. Both carry the key in a header.
import widget from "./widget.js";
import { mount } from "./host.js";

const KEY = "tokentoss-key";
const RETRY = [250, 500, 1000, 2000, 5000]; // milliseconds

/** Takes the key out of the address bar, so that it is not in the history, and keeps it for a reload. */
function takeKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key) {
    sessionStorage.setItem(KEY, key);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEY) ?? "";
}

/** @param {string} code @param {string} message */
const fatal = (code, message) => ({ v: 1, type: "fatal", code, message });
const lost = fatal("lost", "tokentoss does not answer. It has ended, or is busy; this page tries again.");
const noKey = fatal("no_key", "This page has no key, or one of an earlier run. Open the address that tokentoss printed when it started.");

/** @param {string} key */
function connect(key) {
  /** @type {(message: unknown) => void} */
  let receive = () => {};
  const headers = { "X-Tokentoss-Key": key };
  let sent = Promise.resolve(); // messages keep their order

  /** @param {unknown} message */
  async function post(message) {
    try {
      const answer = await fetch("/message", {
        method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(message),
      });
      if (answer.status === 401) receive(noKey);
      else if (!answer.ok) receive(fatal("bad_message", (await answer.json()).message));
    } catch {
      receive(lost);
    }
  }
  return {
    /** @param {unknown} message */
    send(message) {
      sent = sent.then(() => post(message));
    },
    /** @param {(message: unknown) => void} f */
    onmessage(f) {
      let over = false;
      receive = (/** @type {any} */ message) => {
        if (over) return; // what was on its way then is not answered
        over = message.phase === "detached";
        f(message);
      };
      listen(headers, receive);
    },
  };
}

/** Receives messages until there is nobody to send any.
 * @param {Record<string, string>} headers @param {(message: any) => void} receive */
async function listen(headers, receive) {
  for (let failures = 0; ; failures++) {
    let last;
    try {
      const answer = await fetch("/events", { headers, cache: "no-store" });
      if (answer.status === 401) return receive(noKey);
      if (!answer.ok || !answer.body) throw new Error("no stream");
      for await (const message of events(answer.body)) {
        failures = 0;
        last = message;
        receive(message);
      }
    } catch { /* the connection broke */ }
    if (last?.phase === "detached") return;
    if (failures > 0) receive(lost);
    await new Promise((done) => setTimeout(done, RETRY[Math.min(failures, RETRY.length - 1)]));
  }
}

/** The messages of a stream of events. @param {ReadableStream<Uint8Array>} body */
async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (let text = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + decoder.decode(value, { stream: true })).split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) if (part.startsWith("data: ")) yield JSON.parse(part.slice(6));
  }
}

// A person who opens the address of a later run in the same tab changes nothing but
// the fragment.
window.addEventListener("hashchange", () => location.reload());

const main = /** @type {HTMLElement} */ (document.getElementById("widget"));
await mount(widget, main, connect(takeKey()));
