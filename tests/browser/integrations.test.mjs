// Integrations: the list, the form with all that can be wrong in it, and what is done by hand.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edit, eventually, integrate, logIn, message, setUp } from "./harness.mjs";

let all;
let page;
before(async () => {
  all = await setUp();
  ({ page } = await all.browser.open(all.server.base));
  const { server } = all;
  await integrate(server, "http://127.0.0.1:9/none", { name: "Data warehouse", retry_schedule: ["1s"], activities: [{ fields: ["Score"] }] });
  await server.call("POST", "/audits", edit("42", "Ada", { Name: "Export", Score: 1 }, { workspace_id: "ws1" }));
  await message(server, "status=failed");
  await message(server, "status=delivered");
  await logIn(page, server);
});
after(() => all?.stop());

const open = async (path) => {
  page.once("dialog", (dialog) => dialog.accept());
  await page.goto(`${all.server.base}/integrations/${path}`);
  page.removeAllListeners("dialog");
  await page.getByLabel("Name", { exact: true }).waitFor();
};

test("the list tells how each did lately", async () => {
  await page.goto(`${all.server.base}/integrations`);
  const row = (name) => page.getByRole("row", { name });
  await row(/Team chat/).getByRole("img", { name: "Of the last 1: 1 delivered, 0 failed" }).waitFor();
  assert.match(await row(/Team chat/).textContent(), /ok.*100 %.*p50 \d+ · p95 \d+ ms/);
  assert.match(await row(/Data warehouse/).textContent(), /failing.*0 %.*connection refused/);
  assert.match(await row(/Team chat/).getByRole("link", { name: "Log messages" }).getAttribute("href"), /^\/integrations\/\d+\/log$/);
});

test("what is written in the form is what is kept", async () => {
  await open("new");
  await page.getByLabel("Name", { exact: true }).fill("Workspace chat");
  await page.getByLabel("Hook URL").fill(all.receiver.url);
  await page.getByLabel("One workspace").check();
  await page.getByRole("button", { name: "Make" }).click();
  await page.getByText("Choose a workspace, or the whole account.").waitFor();
  const workspace = page.getByLabel("Add to workspace id");
  await workspace.focus();
  await page.locator("option[value=ws1]").first().waitFor({ state: "attached" });
  await workspace.fill("ws1");
  await workspace.press("Enter");
  for (const [name, value] of [["record types", "feature"], ["fields", "Name"], ["fields", "not seen yet"], ["fields to leave out", "Rank"]]) {
    if (name === "record types") await page.getByRole("button", { name: "Add activity" }).click();
    const input = page.getByLabel(name === "fields to leave out" ? "Add to exclude fields" : `Add to ${name}`, { exact: true });
    await input.fill(value);
    await input.press("Enter");
  }
  await page.getByRole("button", { name: "Add activity" }).click();
  await page.getByRole("button", { name: "Remove this activity" }).last().click();
  await page.getByLabel("Add to users").fill("ada");
  await page.getByLabel("Quiet period").fill("30s");
  await page.getByRole("radio", { name: "Live" }).check();
  await page.getByLabel("Format").selectOption("slack");
  await page.getByLabel("Enable").uncheck();
  await page.getByRole("button", { name: "Make" }).click();
  await page.locator(".secret code").waitFor();
  const made = await all.server.call("GET", `/integrations/${page.url().split("/").pop()}`);
  const { include_associated: _, ...activity } = made.activities[0];
  assert.deepEqual(activity, { workspaces: [], record_types: ["feature"], fields: ["Name", "not seen yet"], exclude_fields: ["Rank"] });
  assert.deepEqual([made.activities.length, made.workspace_id, made.users, made.quiet_period, made.collation, made.format, made.enabled],
    [1, "ws1", ["ada"], "30s", "live", "slack", false]);
  assert.equal(await page.getByLabel("Enable").isChecked(), false);
});

test("what was written to add is taken when it is left, and moves nothing that is being clicked", async () => {
  await open("new");
  const users = page.getByLabel("Add to users");
  const chip = (name) => page.getByRole("button", { name: `Remove ${name}` });
  await users.fill("ada");
  await users.press("Tab");
  assert.equal(await chip("ada").count(), 1);
  await users.fill("a name so long that it takes a line for itself, whatever the width of the page may be, and then more");
  const box = page.getByLabel("Send the whole record with the changes");
  await box.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await box.boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  // Whoever is slow holds it as long.
  await page.waitForTimeout(400);
  assert.equal((await box.boundingBox()).y, y);
  assert.equal(await chip("a name so long").count(), 0);
  await page.mouse.up();
  await chip("a name so long").waitFor();
  assert.equal(await box.isChecked(), true);
});

test("each fault is said at its place, and the first has the keyboard", async () => {
  await open(all.chat.id);
  await page.getByLabel("Name", { exact: true }).fill("");
  await page.getByLabel("Hook URL").fill("ftp://example.com");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("[aria-invalid=true]").first().waitFor();
  const described = await page.locator("[aria-invalid=true]").evaluateAll((inputs) =>
    inputs.map((input) => [input.name, document.getElementById(input.getAttribute("aria-describedby")).textContent !== ""]));
  assert.ok(described.length > 0 && described.every(([, said]) => said), JSON.stringify(described));
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-invalid")), "true");
  await page.getByLabel("Name", { exact: true }).fill("Team chat");
  await page.getByLabel("Hook URL").fill(all.receiver.url);
  await page.getByRole("button", { name: "Add activity" }).click();
  await page.getByLabel("Add to fields").fill("x".repeat(300));
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".row .wrong:not(:empty)").waitFor();
});

test("nobody leaves unsaved changes without being asked, whichever way", async () => {
  await page.goto(`${all.server.base}/integrations`);
  await page.getByRole("link", { name: "Team chat", exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("Another name");
  let asked = 0;
  const answer = (accept) => page.once("dialog", async (dialog) => { asked += 1; await (accept ? dialog.accept() : dialog.dismiss()); });
  answer(false);
  await page.getByRole("link", { name: "Settings" }).click();
  answer(false);
  await page.goBack().catch(() => {});
  await eventually("asked twice", async () => asked === 2);
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Another name");
  assert.match(page.url(), /integrations\/\d+$/);
  // A test, or a new secret, leaves the changes where they are.
  await page.getByRole("button", { name: "Send a test" }).click();
  await page.locator("main").getByText("The hook answered 200.").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Another name");
  answer(true);
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
});

test("a test shows its attempt, whatever the hook says", async () => {
  await open(all.chat.id);
  all.receiver.answers.code = 404;
  all.receiver.answers.body = "no such hook";
  await page.getByRole("button", { name: "Send a test" }).click();
  const card = page.getByRole("region", { name: "Test" });
  await card.getByText("The test failed").waitFor();
  await card.getByText("no such hook").waitFor();
  await card.getByText("Request").click();
  await card.getByText(/webhook-signature/).waitFor();
  all.receiver.answers.code = 200;
  all.receiver.answers.body = "thanks";
});

test("the secret is changed, what failed is sent again, and an integration is deleted when that is confirmed", async () => {
  await open(all.chat.id);
  await page.getByRole("button", { name: "Rotate secret…" }).click();
  await page.locator("dialog").getByRole("button", { name: "Rotate" }).click();
  assert.match(await page.locator(".secret code").textContent(), /^whsec_/);
  await page.getByRole("button", { name: "Recover…" }).click();
  await page.locator("dialog").getByRole("button", { name: "Redeliver" }).click();
  await page.getByText("Nothing failed since then.").waitFor();
  const { items } = await all.server.call("GET", "/integrations");
  const warehouse = items.find(({ name }) => name === "Data warehouse");
  await open(warehouse.id);
  await page.getByRole("button", { name: "Recover…" }).click();
  await page.locator("dialog").getByRole("button", { name: "Redeliver" }).click();
  await page.getByText("1 queued.").waitFor();
  await page.getByRole("button", { name: "Delete…" }).click();
  await page.locator("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("row", { name: /Team chat/ }).waitFor();
  assert.equal(await page.getByRole("row", { name: /Data warehouse/ }).count(), 0);
});

test("a form that somebody else has overtaken is not saved over their changes", async () => {
  await open(all.chat.id);
  await page.getByLabel("Timeout").evaluate((input) => input.closest("details").setAttribute("open", ""));
  await all.server.call("PATCH", `/integrations/${all.chat.id}`, { timeout: "7s" });
  await page.getByLabel("Timeout").fill("9s");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody else changed it meanwhile.").waitFor();
  assert.equal((await all.server.call("GET", `/integrations/${all.chat.id}`)).timeout, "7s");
});
