// What holds for every page: accessible, in light and in dark, on a phone and on a desk; light; and
// with nothing from elsewhere. Leaves a picture of each in target/screens/.

import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { after, before, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { edit, integrate, logIn, message, setUp } from "./harness.mjs";

const SCREENS = "target/screens";
const WHOLE_MAX = 120_000;

let all;
let pages;
before(async () => {
  all = await setUp();
  const { server, chat } = all;
  const warehouse = await integrate(server, "http://127.0.0.1:9/none", { name: "Data warehouse", retry_schedule: ["1s"], activities: [{ fields: ["Score"] }] });
  await integrate(server, all.receiver.url, { name: "Digest", quiet_period: "1h", max_wait: "2h", activities: [{ record_types: ["feature"], fields: ["Name"] }] });
  await server.call("POST", "/audits", edit("42", "Ada", { Name: "Export", Score: 3 }, { workspace_id: "ws1" }));
  await server.call("POST", "/audits", edit("42", "Grace", { Name: "Export as CSV", Description: "<p>All of <b>it</b>.</p>" }, { workspace_id: "ws1" }));
  const siem = await integrate(server, all.receiver.url, { name: "SIEM", kind: "security", format: "ocsf", actions: ["login.*"] });
  const tracker = await integrate(server, all.receiver.url, { name: "Tracker", kind: "record", workspace_id: "ws1" });
  const delivered = await message(server, `status=delivered&integration=${chat.id}`);
  const failed = await message(server, "status=failed");
  pages = {
    "login": "", "messages": "/", "messages-none": "/?status=cancelled", "message": `/messages/${delivered.id}`, "message-failed": `/messages/${failed.id}`,
    "message-gone": "/messages/1", "windows": "/records", "record": `/records/feature/42?integration=${chat.id}`, "record-unknown": "/records/feature/none",
    "integrations": "/integrations", "integration": `/integrations/${chat.id}`, "integration-new": "/integrations/new",
    "integration-log": `/integrations/${warehouse.id}/log`, "integration-security": `/integrations/${siem.id}`, "integration-record": `/integrations/${tracker.id}`, "settings": "/settings", "nowhere": "/nowhere/at/all/here",
  };
});
after(() => all?.stop());

for (const colorScheme of ["light", "dark"]) {
  test(`no page has a fault that axe finds, or scrolls sideways, in ${colorScheme}, on a phone and on a desk`, async () => {
    const { browser, server } = all;
    for (const width of [360, 768, 1440]) {
      const { page, context, faults } = await browser.open(server.base, { colorScheme, viewport: { width, height: 900 } });
      for (const [name, path] of Object.entries(pages)) {
        if (name === "messages") await logIn(page, server);
        const response = await page.goto(server.base + path);
        assert.equal(response.status(), name === "nowhere" ? 404 : 200);
        await page.locator("h1").first().waitFor({ state: "attached" });
        await page.waitForLoadState("networkidle");
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${path} is ${overflow} px too wide at ${width} px`);
        // What lies between is laid out like one of the two others.
        if (width === 768) continue;
        await page.screenshot({ path: `${SCREENS}/${name}-${width}-${colorScheme}.png`, fullPage: true });
        const { violations } = await new AxeBuilder({ page }).analyze();
        assert.deepEqual(violations.map(({ id, nodes }) => `${name} ${width}: ${id} ${nodes[0].html}`), []);
      }
      assert.deepEqual(faults, []);
      await context.close();
    }
  });
}

test("dialogs have no fault either, and close with Escape", async () => {
  const { browser, server } = all;
  const { page } = await browser.open(server.base);
  await logIn(page, server);
  for (const [path, opens] of [["/", "Keys ?"], ["/records", "Preview of feature 42"], ["/records", "Discard feature 42"],
    [pages.integration, "Recover…"], ["/settings", "New token…"]]) {
    await page.goto(server.base + path);
    await page.getByRole("button", { name: opens }).first().click();
    await page.locator("dialog h2").waitFor();
    await page.screenshot({ path: `${SCREENS}/dialog-${opens.split(/\W/)[0].toLowerCase()}${opens.startsWith("New") ? "-token" : ""}-1440-light.png` });
    const { violations } = await new AxeBuilder({ page }).include("dialog").analyze();
    assert.deepEqual(violations.map(({ id, nodes }) => `${opens}: ${id} ${nodes[0].html}`), []);
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
  }
});

test("the pages are light, and nothing in them comes from elsewhere", async () => {
  const { browser, server } = all;
  const { page, context } = await browser.open(server.base);
  let bytes = 0;
  const sizes = [];
  page.on("response", (response) => sizes.push((async () => {
    if (new URL(response.url()).pathname.startsWith("/api/")) return;
    const { responseBodySize } = await response.request().sizes();
    bytes += responseBodySize;
  })()));
  const response = await page.goto(server.base);
  await page.waitForLoadState("networkidle");
  await Promise.all(sizes);
  assert.ok(bytes > 5_000 && bytes < 60_000, `${bytes} bytes on the wire`);
  const policy = response.headers()["content-security-policy"];
  assert.ok(policy.includes("default-src 'self'") && !policy.includes("unsafe"), policy);
  let whole = 0;
  for (const name of await readdir("static", { recursive: true })) {
    if (!(await stat(`static/${name}`)).isFile()) continue;
    whole += (await (await fetch(`${server.base}/static/${name}`)).arrayBuffer()).byteLength;
  }
  assert.ok(whole > 50_000 && whole < WHOLE_MAX, `${whole} bytes of pages, uncompressed`);
  await context.close();
});
