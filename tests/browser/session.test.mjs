// Sessions that end, and a server that goes away: the page says so and recovers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { logIn, setUp, startServer } from "./harness.mjs";

let all;
before(async () => { all = await setUp(); });
after(() => all?.stop());

test("logged out in one tab, the other says so", async () => {
  const { browser, server } = all;
  const { page, context } = await browser.open(server.base);
  await logIn(page, server);
  const other = await context.newPage();
  await other.goto(server.base);
  await other.locator("h1").waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("You are logged out.").waitFor();
  await other.bringToFront();
  await other.getByText("The session has ended").waitFor();
  // Who logs in again goes on where they were.
  await other.getByLabel("Token").fill(server.token);
  await other.keyboard.press("Enter");
  await other.locator("h1", { hasText: "Messages" }).waitFor();
  await context.close();
});

test("a token revoked while the page is open ends it, and a wrong one is told from none", async () => {
  const { browser, server } = all;
  const { page, context } = await browser.open(server.base);
  const made = await server.call("POST", "/tokens", { name: "guest", roles: ["viewer"] });
  await logIn(page, server, made.token);
  await page.goto(`${server.base}/integrations`);
  await page.getByRole("link", { name: "Team chat", exact: true }).waitFor();
  await server.call("DELETE", `/tokens/${made.id}`);
  await page.getByText("The session has ended, or its token was revoked.").waitFor();
  await page.getByLabel("Token").fill("lull_wrong");
  await page.keyboard.press("Enter");
  await page.getByText("the token is not known").waitFor();
  await page.getByLabel("Token").fill(server.token);
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "Integrations" }).waitFor();
  await context.close();
});

test("a server that restarts while a page is open: each page says so and recovers", async () => {
  const { browser, chat } = all;
  const { page, context, faults } = await browser.open(all.server.base);
  await logIn(page, all.server);
  const tabs = [];
  for (const path of ["/", "/records", "/integrations", `/records/feature/1?integration=${chat.id}`]) {
    const tab = await context.newPage();
    await tab.goto(all.server.base + path);
    await tab.locator("h1").waitFor();
    tabs.push(tab);
  }
  const { token, folder, base } = all.server;
  await all.server.stop({ keep: true });
  for (const tab of tabs) {
    await tab.bringToFront();
    await tab.getByText(/The server does not answer; trying again in \d+ s/).waitFor();
  }
  all.server = Object.assign(await startServer({ quiet: "1s", folder, port: Number(new URL(base).port) }), { token });
  for (const tab of tabs) {
    await tab.bringToFront();
    await tab.locator(".away").waitFor({ state: "detached" });
  }
  assert.equal(await tabs[0].locator("h1").textContent(), "Messages");
  assert.deepEqual(faults, []);
  await context.close();
});
