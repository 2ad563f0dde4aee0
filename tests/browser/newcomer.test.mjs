// The path of somebody who sees Lull for the first time.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edit, setUp } from "./harness.mjs";

let all;
before(async () => { all = await setUp({ quiet: "3s", integration: null }); });
after(() => all?.stop());

test("a newcomer logs in by the link, makes an integration, and sees an edit from its countdown to its redelivery", async () => {
  const { browser, server, receiver } = all;
  const { page, faults } = await browser.open(server.base);
  await page.goto(server.link);
  await page.getByRole("button", { name: "Copy the command" }).click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(command.includes(`${server.base}/api/v1/audits`), command);
  await page.getByRole("link", { name: "Make an integration" }).click();
  assert.ok(!page.url().includes("code="), "the code does not stay in the address");

  // What is wrong is said at its place, in the server's words.
  await page.getByLabel("Name").fill("Team chat");
  await page.getByLabel("Hook URL").fill("example.com");
  await page.getByRole("button", { name: "Make" }).click();
  await page.getByText("is not a URL").waitFor();
  assert.equal(await page.getByLabel("Hook URL").getAttribute("aria-invalid"), "true");

  await page.getByLabel("Hook URL").fill(receiver.url);
  await page.getByRole("button", { name: "Add activity" }).click();
  await page.getByLabel("Add to record types").fill("feature");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Make" }).click();
  const secret = await page.locator(".secret code").textContent();
  assert.match(secret, /^whsec_/);
  await page.getByRole("button", { name: "Copy" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await page.getByRole("button", { name: "Send a test" }).click();
  await page.locator("main").getByText("The hook answered 200.").waitFor();

  await server.call("POST", "/audits", edit("42", "Ada", { Name: "Export" }));
  await server.call("POST", "/audits", edit("42", "Grace", { Name: "Export as CSV" }));
  await page.getByRole("link", { name: "Open windows" }).click();
  const countdown = page.locator("[data-closes]").first();
  await countdown.waitFor();
  const first = await countdown.textContent();
  await page.waitForFunction((then) => document.querySelector("[data-closes]")?.textContent !== then, first);
  await page.getByRole("cell", { name: "Team chat" }).or(page.getByText("No record is being edited")).first().waitFor();

  await page.getByRole("link", { name: "Messages" }).click();
  await page.getByRole("row", { name: /delivered.*APP-42/ }).waitFor();
  assert.equal(JSON.parse(receiver.received.at(-1).body).audit.contributors.length, 2);
  await page.getByRole("link", { name: "updated feature APP-42" }).click();
  await page.getByText("Window closed: left alone for 3s").waitFor();
  const before = receiver.received.length;
  await page.getByRole("button", { name: "Redeliver" }).click();
  await page.getByText("Queued: another attempt will be made.").waitFor();
  await page.getByRole("button", { name: "Attempt 2" }).click();
  await page.getByRole("tabpanel").getByText("Answered 200").waitFor();
  assert.equal(receiver.received.length, before + 1);
  assert.deepEqual(faults, []);
});
