// One message: its way, its changes, what was sent and answered, and what can be done with it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edit, eventually, integrate, logIn, message, setUp } from "./harness.mjs";

let all;
let page;
before(async () => {
  all = await setUp();
  ({ page } = await all.browser.open(all.server.base));
  await logIn(page, all.server);
});
after(() => all?.stop());

async function open(query) {
  const found = await message(all.server, query);
  await page.goto(`${all.server.base}/messages/${found.id}`);
  await page.getByRole("heading", { name: "What happened" }).waitFor();
  return found;
}
const timeline = () => page.locator(".timeline");
const tab = (name) => page.getByRole("tab", { name });
const panel = () => page.getByRole("tabpanel");

test("the timeline names every edit, the end of the window, and each attempt", async () => {
  const { server } = all;
  await server.call("POST", "/audits", edit("1", "Ada", { Name: "One" }, { audit_action: "create" }));
  await server.call("POST", "/audits", edit("1", "Grace", { Name: "<b>Two</b>", Score: 4 }));
  await server.call("POST", "/audits", edit("1", "Ada", {}));
  await open("record=feature/1&status=delivered");
  await timeline().getByText("Ada created it").waitFor();
  const entries = await timeline().locator("li").allTextContents();
  const wanted = [/^Ada created it.*Name: One/, /^Grace changed it.*Name: TwoScore: 4/, /^Ada changed nothing that is named/, /^Window closed: left alone for 1s/, /^Attempt 1 answered 200/, /^Delivered/];
  assert.equal(entries.length, wanted.length, entries.join("\n"));
  for (const [index, pattern] of wanted.entries()) assert.match(entries[index], pattern);
});

test("many edits are folded, and unfold", async () => {
  await all.server.call("POST", "/audits", Array.from({ length: 12 }, (_, index) => edit("2", "Ada", { Name: index })));
  await open("record=feature/2&status=delivered");
  await timeline().getByRole("button", { name: "Show 5 more edits" }).click();
  assert.equal(await timeline().getByText("Ada changed it").count(), 12);
});

test("changes are told from what to what: HTML as its text, long texts as a difference", async () => {
  const long = "It exports what is in the list, in the order that the list is in, to a file that any spreadsheet opens, ";
  await all.server.call("POST", "/audits", { ...edit("3", "Ada", {}), changes: [
    { field_name: "Name", value: "<p>Export &amp; import</p>", old_value: "Export" }, { field_name: "Status", value: "Open &rarr; Shipped" },
    { field_name: "Description", value: `${long}quickly.`, old_value: `${long}slowly.` }] });
  await open("record=feature/3&status=delivered");
  const cells = async (name) => (await panel().getByRole("row", { name }).locator("td").allTextContents());
  assert.deepEqual(await cells(/^Name/), ["Export", "Export & import"]);
  assert.deepEqual(await cells(/^Status/), ["Open", "Shipped"]);
  assert.equal(await panel().locator("del").textContent(), "slowly.");
  assert.equal(await panel().locator("ins").textContent(), "quickly.");
});

test("request, response and raw are shown as they were, and copied", async () => {
  const { items: [found] } = await all.server.call("GET", "/messages?record=feature/1");
  await page.goto(`${all.server.base}/messages/${found.id}`);
  await tab("Request").click();
  await panel().getByText(`webhook-id: ${found.id}`).waitFor();
  await tab("Request").press("ArrowRight");
  await panel().getByText("Answered 200").waitFor();
  await panel().getByText("thanks").waitFor();
  await tab("Response").press("ArrowRight");
  await panel().getByRole("button", { name: "Copy body" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, (await all.server.call("GET", `/messages/${found.id}`)).body);
  await page.getByRole("link", { name: "Why was this sent?" }).click();
  await page.getByText("the integration sees it, and it was collated").first().waitFor();
});

test("what is owed is tried now or cancelled, and says what it waits for", async () => {
  const { server, receiver } = all;
  receiver.answers.code = 503;
  await server.call("POST", "/audits", edit("4", "Ada", { Name: "Export" }));
  await open("record=feature/4&code=503");
  await timeline().getByText("Next attempt").waitFor();
  await page.getByRole("button", { name: "Try now" }).click();
  await page.getByText("Queued: another attempt will be made.").waitFor();
  await timeline().getByText("asked for by admin").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await timeline().getByText("Cancelled by admin").waitFor();
  receiver.answers.code = 200;
  await page.getByRole("button", { name: "Redeliver" }).click();
  await timeline().getByText("answered 200").waitFor();
});

test("what is held says why it cannot be sent, and where that is changed", async () => {
  const { server } = all;
  const other = await integrate(server, "http://127.0.0.1:9/none", { name: "Data warehouse" });
  await server.call("POST", "/audits", edit("5", "Ada", { Name: "Export" }));
  await message(server, `integration=${other.id}&code=none`);
  await server.call("PATCH", `/integrations/${other.id}`, { enabled: false });
  await eventually("held", async () => (await server.call("GET", "/messages?status=held")).items.length);
  await open("status=held");
  assert.ok(await page.getByRole("button", { name: "Try now" }).isDisabled());
  await page.getByText("Its integration is disabled", { exact: true }).waitFor();
  await page.locator(".away").getByRole("link", { name: "Data warehouse" }).waitFor();
});
