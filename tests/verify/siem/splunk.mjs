// Splunk: has Splunk's own client post the same events to a collector, and compares what it posts with
// what Lull would have posted. splunk.mjs FILE.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Logger } = createRequire(import.meta.url)("splunk-logging");

const posted = [];
const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    posted.push(JSON.parse(Buffer.concat(parts).toString("utf8")));
    response.end('{"text":"Success","code":0}');
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const logger = new Logger({ token: "none", url, maxBatchCount: 1 });
logger.eventFormatter = (message) => message;
logger.error = (error) => { throw error; };

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
assert.ok(cases.length > 0);
for (const { name, body, events } of cases) {
  const lines = body.split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.length, events.length, name);
  for (const [at, said] of events.entries()) {
    const metadata = { source: "lull", sourcetype: "lull:security" };
    metadata.time = Date.parse(said.created_at) / 1000;
    await new Promise((resolve) => logger.send({ message: said, metadata }, resolve));
    const { time, ...rest } = posted.pop();
    const { time: ours, ...mine } = lines[at];
    assert.deepEqual(mine, rest, name);
    assert.equal(typeof ours, "number", name);
    assert.ok(Math.abs(ours - Number(time)) < 0.0005, `${name}: ${ours} is not ${time}`);
  }
}
server.close();
