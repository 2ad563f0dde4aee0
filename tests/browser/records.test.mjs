// Open windows, and all that is known of a record.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edit, integrate, logIn, setUp } from "./harness.mjs";

let all;
let page;
before(async () => {
  all = await setUp({ quiet: "1h" });
  await integrate(all.server, all.receiver.url, { name: "Scores", activities: [{ fields: ["Score"] }] });
  ({ page } = await all.browser.open(all.server.base));
  await logIn(page, all.server);
});
after(() => all?.stop());

const post = (...audits) => all.server.call("POST", "/audits", audits);
const section = (name) => page.getByRole("region", { name, exact: true });

test("an open window tells who changed what so far, counts down, and shows what would go to whom", async () => {
  await post(edit("1", "Ada", { Name: "Export" }), edit("1", "Grace", { Score: 2 }));
  await page.goto(`${all.server.base}/records`);
  const row = page.getByRole("row", { name: /APP-1/ });
  await row.waitFor();
  const text = await row.textContent();
  for (const said of ["Name, Score", "Ada, Grace", "Team chat: Name, Score", "Scores: Score", "when quiet for 1h"]) assert.ok(text.includes(said), `${said} in ${text}`);
  assert.match(await row.locator("[data-closes]").textContent(), /^(1:00:00|59:\d\d)$/);
  await row.getByRole("button", { name: "Preview" }).click();
  const dialog = page.locator("dialog");
  await dialog.getByRole("heading", { name: /Scores/ }).waitFor();
  assert.equal(await dialog.getByRole("row", { name: /Export/ }).count(), 1);
  await dialog.getByText("Raw").first().click();
  await dialog.getByText('"event": "audit"').first().waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();
});

test("the list goes on while the keyboard is in it, and stays at the same record", async () => {
  const button = page.getByRole("button", { name: "Discard feature 1" });
  await button.focus();
  await post(edit("0", "Ada", { Name: "Earlier" }));
  await page.getByRole("row", { name: /APP-0/ }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Discard feature 1");
});

test("a window is sent now, or discarded when that is confirmed", async () => {
  await page.getByRole("button", { name: "Send now feature 1" }).click();
  await page.getByText("Closed: 2 queued to be sent.").waitFor();
  await page.getByRole("row", { name: /APP-1/ }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Discard feature 0" }).click();
  await page.locator("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("row", { name: /APP-0/ }).waitFor();
  await page.getByRole("button", { name: "Discard feature 0" }).click();
  await page.getByLabel("Why (for the log)").fill("by mistake");
  // Enter goes on; it does not cancel.
  await page.keyboard.press("Enter");
  await page.getByText("No record is being edited").waitFor();
});

test("a record tells its windows, messages, history, and why an edit was not sent", async () => {
  await page.goto(`${all.server.base}/records/feature/0`);
  await section("Windows").getByText("discarded by admin: by mistake").waitFor();
  await page.getByText("None yet.").waitFor();
  await post(edit("1", "Ada", { Name: "Once more" }));
  await page.goto(`${all.server.base}/records/feature/1`);
  await page.getByText("Being edited: closes in").waitFor();
  const window = section("Windows").getByRole("row", { name: /sent now by admin/ });
  assert.match(await window.textContent(), /Team chat: .*delivered.*Scores: .*delivered/);
  assert.equal(await section("Messages").locator("tbody tr").count(), 2);
  assert.equal(await section("History").locator("tbody tr").count(), 3);
  assert.match(await section("History").locator("tbody tr").first().textContent(), /Ada.*Once more/);
  await page.getByLabel("Integration").selectOption({ label: "Scores" });
  await section("Why").getByRole("row", { name: /not sent.*no row of the integration's activities matches.*R7/ }).first().waitFor();
  assert.match(page.url(), /\?integration=\d+$/);
  // What happens meanwhile is there without asking.
  await page.getByRole("button", { name: "Send now feature 1" }).click();
  await page.waitForFunction(() => document.querySelectorAll("[aria-label=Windows] tbody tr").length === 2);
});
