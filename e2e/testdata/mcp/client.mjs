// Calls tools of a server by a command until standard input ends: client.mjs SDK COMMAND...
// SDK is 1 for @modelcontextprotocol/sdk, 2 for @modelcontextprotocol/client.
import assert from "node:assert/strict";

const [sdk, command, ...args] = process.argv.slice(2);
const { Client } = await import(sdk === "1" ? "@modelcontextprotocol/sdk/client/index.js" : "@modelcontextprotocol/client");
const { StdioClientTransport } = await import(sdk === "1" ? "@modelcontextprotocol/sdk/client/stdio.js" : "@modelcontextprotocol/client/stdio");

let stopped = false;
process.stdin.resume().on("end", () => (stopped = true));
const client = new Client({ name: "near", version: "1" });
await client.connect(new StdioClientTransport({ command, args, env: process.env }));
const { tools } = await client.listTools();
assert.deepEqual(tools.map((tool) => tool.name), ["add", "steps"]);
const { contents } = await client.readResource({ uri: "file:///x" });
assert.equal(contents[0].text, "text");
const progress = [];
const options = { onprogress: (p) => progress.push(p.progress) };
const call = { name: "steps", arguments: { n: 3 } };
const steps = await (sdk === "1" ? client.callTool(call, undefined, options) : client.callTool(call, options));
assert.equal(steps.content[0].text, "done");
// The SDKs forget who wants progress when the response is there, which may be in the same chunk.
assert(progress.every((p, i) => p === i), `${progress}`);
let n = 0;
while (!stopped) {
  n++;
  const sum = await client.callTool({ name: "add", arguments: { a: n, b: 1 } });
  assert.equal(sum.structuredContent.result, n + 1);
}
await client.close();
console.log("calls:", n);
