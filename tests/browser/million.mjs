// A log of a million messages: how soon the API answers, and how soon the page is drawn. Not among the
// other tests, since it needs such a log (in the folder LULL_LOG) and an executable that is optimized.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startBrowser, startServer } from "./harness.mjs";

const TRIES = 5;
/**
 * How soon, in milliseconds: the API's first page, any filter, and the page in the browser. Several times what a
 * slow machine takes, and a part of what it takes to read the log through, which is what must not happen.
 */
const [FIRST_MAX, FILTER_MAX, DRAWN_MAX] = [250, 750, 1_500];
/** What the filled log holds is told by benches/load/story.rs. */
const FILTERS = {
  "most messages": { status: "delivered" },
  "few": { status: "failed" },
  "a code": { code: "204" },
  "no code of any": { code: "302" },
  "one old message by its code": { code: "418" },
  "a record type": { record_type: "Feature" },
  "one old message by its record type": { record_type: "legacy_contract" },
  "a contributor": { user: "grace hopper" },
  "one old message by its contributor": { user: "zebulon" },
  "nobody": { user: "nobody at all" },
  "a word": { q: "Invoice" },
  "a record by its number": { q: "app-123456" },
  "one old message by a word": { q: "zyzzyva" },
  "no text": { q: "qwertyuiop" },
  "two letters that nothing has": { q: "zq" },
  "a record that is not there": { record: "feature/none" },
  "many filters at once": { status: "failed", code: "5xx", record_type: "idea", user: "ada", q: "report" },
  "filters that exclude each other": { user: "ada lovelace", q: "zyzzyva" },
};

let [server, token, browser] = [];

before(async () => {
  server = await startServer({ quiet: "1h", folder: process.env.LULL_LOG });
  token = (await readFile(join(server.folder, "data", "admin-token"), "utf8")).trim();
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop({ keep: true });
});

/** The median of the times that `act` tells, in milliseconds. */
async function median(what, act) {
  const times = [];
  for (let round = 0; round < TRIES; round += 1) times.push(await act());
  times.sort((one, other) => one - other);
  console.log(`${what}: ${times[TRIES >> 1].toFixed(1)} ms, at most ${times.at(-1).toFixed(1)}`);
  return times[TRIES >> 1];
}

async function asked(filter) {
  const began = performance.now();
  const response = await fetch(`${server.base}/api/v1/messages?${new URLSearchParams({ ...filter, limit: 50 })}`,
    { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200);
  await response.json();
  return performance.now() - began;
}

test("the API answers with the first page, and with any filter, at once", async () => {
  assert.ok(await median("first page", () => asked({})) < FIRST_MAX);
  for (const [name, filter] of Object.entries(FILTERS)) {
    assert.ok(await median(name, () => asked(filter)) < FILTER_MAX, name);
  }
});

test("the browser draws the first page, and the page that a filter leaves, at once", async () => {
  const { page, faults } = await browser.open(server.base);
  await page.goto(server.link);
  await page.locator("tbody tr").first().waitFor();

  const first = await median("drawn after navigation", async () => {
    await page.goto(server.base, { waitUntil: "commit" });
    return page.evaluate(drawn, null);
  });
  assert.ok(first < DRAWN_MAX);
  for (const [name, filter] of Object.entries(FILTERS)) {
    const took = await median(`drawn: ${name}`, async () => {
      // From the page without filters, as somebody would who sets them one by one; the last counts.
      const [field, value] = Object.entries(filter).at(-1);
      const others = Object.entries(filter).slice(0, -1);
      await page.goto(`${server.base}/?${new URLSearchParams(others)}`, { waitUntil: "commit" });
      await page.evaluate(drawn, null);
      return page.evaluate(drawn, [field, value]);
    });
    assert.ok(took < DRAWN_MAX, name);
  }
  assert.deepEqual(faults, []);
});

/**
 * In the page: sets a filter, or none, and waits until the list is drawn; how long that took, since
 * the filter was set or the navigation began.
 */
async function drawn(filter) {
  const list = () => document.querySelector("main tbody tr, main .empty");
  const before = filter ? list() : null;
  const began = filter ? performance.now() : 0;
  if (filter) {
    const field = document.querySelector(`form.filters [name="${filter[0]}"]`);
    if (![...(field.options ?? [])].some((option) => option.value === filter[1]) && field.options) {
      field.append(new Option(filter[1], filter[1]));
    }
    field.value = filter[1];
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  while (!list() || list() === before) await new Promise(requestAnimationFrame);
  // What is in the document now is on the screen with the next frame.
  await new Promise(requestAnimationFrame);
  return performance.now() - began;
}
