// The list of messages: what is read stays where it is; filters, keys, pages, and what is said when
// there is nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edit, integrate, logIn, message, setUp } from "./harness.mjs";

let all;
let page;
before(async () => {
  all = await setUp();
  const { server, browser } = all;
  await integrate(server, "http://127.0.0.1:9/none", { name: "Data warehouse", retry_schedule: ["1h"], activities: [{ fields: ["Score"] }] });
  await server.call("POST", "/audits", edit("42", "Ada", { Name: "Export", Score: 1 }));
  await server.call("POST", "/audits", { ...edit("7", "Grace", { Title: "Dark mode" }), auditable_type: "idea", description: "updated idea I-7" });
  await message(server, "status=pending&code=none");
  await message(server, "status=delivered&record=feature/42");
  await message(server, "status=delivered&record=idea/7");
  ({ page } = await browser.open(server.base));
  await logIn(page, server);
});
after(() => all?.stop());

const rows = () => page.locator("tbody tr");
const filters = () => page.getByRole("search");
const countIs = (count) => page.waitForFunction((wanted) => document.querySelectorAll("tbody tr").length === wanted, count);

test("the list tells the state, the fields, the people, the answer, the attempts and when the next is due", async () => {
  await countIs(3);
  const owed = await page.getByRole("row", { name: /waiting/ }).textContent();
  for (const said of ["APP-42", "Score", "Ada", "Data warehouse", "no answer", "1 of 2", "in "]) assert.ok(owed.includes(said), `${said} in ${owed}`);
  assert.equal(await page.getByRole("row", { name: /waiting/ }).getByRole("link", { name: "open" }).getAttribute("href"), "https://app.example.com/features/APP-42");
  await page.getByRole("img", { name: "The last 24 hours: 2 delivered, 0 failed" }).waitFor();
  const figures = await page.locator(".figures").textContent();
  for (const said of ["1waiting", "2delivered", "0failed", "oldest waiting"]) assert.ok(figures.includes(said), `${said} in ${figures}`);
});

test("every filter stands in the address, narrows the list, and can be gone back on", async () => {
  for (const [name, value, count, query] of [
    ["status", "delivered", 2, "status=delivered"], ["integration", "Data warehouse", 1, "integration="], ["q", "i-7", 1, "q=i-7"],
    ["record_type", "idea", 1, "record_type=idea"], ["record", "feature/42", 2, "record=feature%2F42"], ["user", "grac", 1, "user=grac"],
    ["code", "no answer", 1, "code=none"], ["since", "2020-01-01T00:00", 3, "since=20"], ["until", "2020-01-01T00:00", 0, "until=20"],
  ]) {
    await page.goto(server());
    await countIs(3);
    const input = filters().locator(`[name=${name}]`);
    if (await input.evaluate((element) => element.tagName) === "SELECT") await input.selectOption({ label: value });
    else await input.fill(value);
    await input.press("Enter");
    await page.waitForURL((url) => url.search.includes(query));
    await countIs(count);
    assert.ok(page.url().includes(query), page.url());
    assert.ok(await input.evaluate((element) => element === document.activeElement), `${name} keeps the keyboard`);
    await page.reload();
    await countIs(count);
    await page.goBack();
    await countIs(3);
  }
});

test("nothing that fits leads to all, and a filter that is none is said to be", async () => {
  await page.goto(`${server()}/?status=cancelled&q=nothing`);
  await page.getByText("No message fits").waitFor();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await countIs(3);
  assert.equal(new URL(page.url()).search, "");
  await page.goto(`${server()}/?record=wrong`);
  await page.locator(".away").getByText("record").waitFor();
});

test("what is being read does not move, and newer messages come when they are asked for", async () => {
  await page.goto(server());
  const first = page.locator("a.open").first();
  await first.waitFor();
  await first.focus();
  const before = await first.getAttribute("href");
  await all.server.call("POST", "/audits", edit("777", "Ada", { Name: "News" }));
  await page.getByRole("button", { name: "1 new" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), before);
  await page.getByRole("button", { name: "1 new" }).click();
  await page.getByRole("row", { name: /APP-777/ }).waitFor();
});

test("keys alone are enough to find, open, redeliver and filter", async () => {
  await page.goto(server());
  await page.locator("a.open").first().waitFor();
  const at = () => page.evaluate(() => document.activeElement.getAttribute("href"));
  const link = (index) => page.locator("a.open").nth(index).getAttribute("href");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  assert.equal(await at(), await link(1));
  await page.keyboard.press("k");
  assert.equal(await at(), await link(0));
  const before = all.receiver.received.length;
  await page.keyboard.press("r");
  await page.getByText("Queued: another attempt will be made.").waitFor();
  assert.ok(all.receiver.received.length >= before);
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.name), "status");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.locator("dialog").getByText("the next message").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "What happened" }).waitFor();
});

test("older messages come a page at a time", async () => {
  const many = Array.from({ length: 60 }, (_, index) => edit(`many-${index}`, "Ada", { Name: index }));
  await all.server.call("POST", "/audits", many);
  await message(all.server, "status=delivered&record=feature/many-59");
  await page.goto(`${server()}/?q=many-`);
  await countIs(50);
  await page.getByRole("button", { name: "Older messages" }).click();
  await countIs(60);
  await page.getByRole("button", { name: "Older messages" }).waitFor({ state: "detached" });
  assert.equal(await rows().count(), 60);
});

function server() {
  return all.server.base;
}
