// The model that the host makes, and what it loads.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createModel, mount } from "./host.js";

const transport = () => {
  const t = { sent: [], send: (m) => t.sent.push(m), onmessage: (f) => (t.receive = f) };
  return t;
};

test("a model carries messages both ways", () => {
  const t = transport();
  const model = createModel(t, { a: 1 });
  const heard = [];
  const hear = (m) => heard.push(m);
  model.on("msg:custom", hear);
  t.receive({ hello: 1 });
  model.off("msg:custom", hear);
  t.receive({ hello: 2 });
  model.send({ up: 1 });
  assert.deepEqual([heard, t.sent], [[{ hello: 1 }], [{ up: 1 }]]);
});

test("state stays here, and changes are told", () => {
  const t = transport();
  const model = createModel(t, { a: 1 });
  let value;
  model.on("change:a", (_, v) => (value = v));
  model.set("a", 2);
  model.save_changes();
  assert.deepEqual([model.get("a"), value, t.sent], [2, 2, []]);
});

test("a listener that removes itself does not hide a message from the next", () => {
  const t = transport();
  const model = createModel(t);
  const heard = [];
  const once = () => model.off("msg:custom", once);
  model.on("msg:custom", once);
  model.on("msg:custom", (m) => heard.push(m));
  t.receive(1);
  assert.deepEqual(heard, [1]);
});

test("a module may be a function, may lack a part, and is taken away in order", async () => {
  const did = [];
  const module = async () => ({
    initialize: () => () => did.push("forget"),
    render: async ({ el }) => {
      did.push(el);
      return () => did.push("remove");
    },
  });
  await (await mount(module, "el", transport()))();
  assert.deepEqual(did, ["el", "remove", "forget"]);
  await (await mount({}, "el", transport()))();
});
