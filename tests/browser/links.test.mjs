// Whole records at hooks, as people send and unlink them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { startBrowser, startReceiver, startServer } from "./harness.mjs";

let [browser, server, receiver] = [];

before(async () => {
  browser = await startBrowser();
  server = await startServer({ quiet: "1s" });
  receiver = await startReceiver();
});
after(async () => {
  await browser?.stop();
  await receiver?.stop();
  await server?.stop();
});

test("a record is sent to a hook from its page, shows what the receiver calls it, and is unlinked", async () => {
  const hook = await server.call("POST", "/integrations",
    { name: "Tracker", kind: "record", workspace_id: "ws1", hook_url: receiver.url });
  await server.call("PUT", "/records/release/R1", { workspace_id: "ws1", name: "Spring" });
  await server.call("PUT", "/records/feature/42",
    { workspace_id: "ws1", name: "Export", parent: { type: "release", id: "R1" } });
  receiver.answers.body = JSON.stringify({ id: 77, url: "javascript:alert(1)" });

  const { page, faults } = await browser.open(server.base);
  await page.goto(server.link);
  await page.getByRole("heading", { name: "Messages" }).waitFor();
  await page.goto(`${server.base}/records/feature/42`);
  await page.getByText("nobody has sent it to a hook").waitFor();
  await page.getByRole("button", { name: "Send to webhook…" }).click();
  await page.getByRole("combobox", { name: "Integration" }).last().selectOption({ label: "Tracker" });
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("Queued, after release R1.").waitFor();
  const row = page.getByRole("region", { name: "Links" }).getByRole("row", { name: /Tracker/ });
  await row.getByText("linked").waitFor();
  await row.getByText("77").waitFor();
  assert.equal(await page.locator("a[href^='javascript:']").count(), 0, "what strangers answer is no link");
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes[0].html}`), []);

  await page.goto(`${server.base}/integrations/${hook.id}`);
  const linked = page.getByRole("region", { name: "Linked records" });
  await linked.getByRole("link", { name: "release R1" }).waitFor();
  await linked.getByRole("link", { name: "feature 42" }).click();
  await row.getByRole("button", { name: "Unlink…" }).click();
  await page.getByRole("button", { name: "Unlink", exact: true }).click();
  await page.getByText("nobody has sent it to a hook").waitFor();
  assert.deepEqual(faults, []);
});
