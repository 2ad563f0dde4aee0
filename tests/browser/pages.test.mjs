// The pages, as people use them.

import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { after, before, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { edit, eventually, startBrowser, startReceiver, startServer } from "./harness.mjs";

const SCREENS = "target/screens";
/** A name for the picture of the page at this path. */
const nameOf = (path) => path.split("?")[0].replace(/\/[0-9]+/, "/one").slice(1).replaceAll("/", "-") || (path === "/" ? "messages" : "messages-filtered");

let [browser, server, receiver, chat] = [];

before(async () => {
  browser = await startBrowser();
  server = await startServer({ quiet: "2s" });
  receiver = await startReceiver();
});
after(async () => {
  await browser?.stop();
  await receiver?.stop();
  await server?.stop();
});

test("a newcomer logs in by the link, makes an integration, and sees an edit from its countdown to its redelivery", async () => {
  const { page, faults } = await browser.open(server.base);
  await page.goto(server.link);
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
  chat = page.url().split("/").pop();

  await page.getByRole("button", { name: "Send a test" }).click();
  await page.getByText("The hook answered 200.").waitFor();

  await server.call("POST", "/audits", edit("42", "Ada", { Name: "Export" }));
  await server.call("POST", "/audits", edit("42", "Grace", { Name: "Export as CSV" }));
  await page.getByRole("link", { name: "Open windows" }).click();
  await page.locator("[data-closes]").first().waitFor();
  await page.getByRole("cell", { name: "Team chat" }).waitFor();

  await page.getByRole("link", { name: "Messages" }).click();
  await page.getByRole("row", { name: /delivered.*APP-42/ }).waitFor();
  assert.equal(JSON.parse(receiver.received.at(-1).body).audit.contributors.length, 2);
  await page.getByRole("link", { name: "updated feature APP-42" }).click();
  await page.getByRole("heading", { name: "What happened" }).waitFor();
  await page.getByText("Last of 2 edits").waitFor();
  const before = receiver.received.length;
  await page.getByRole("button", { name: "Redeliver" }).click();
  await page.getByText("Queued: another attempt will be made.").waitFor();
  await page.getByRole("button", { name: "Attempt 2" }).click();
  await page.getByText("Attempt 2: answered 200").waitFor();
  assert.equal(receiver.received.length, before + 1);
  assert.deepEqual(faults, []);
});

test("no page has a fault that axe finds, in light and in dark, on a phone and on a desk", async () => {
  const message = (await server.call("GET", "/messages")).items[0].id;
  const pages = ["/", "/?status=failed", `/messages/${message}`, "/records", `/records/feature/42?integration=${chat}`,
    "/integrations", `/integrations/${chat}`, "/integrations/new", "/settings", "/nowhere/at/all/here"];
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [360, 768, 1440]) {
      const { page, context, faults } = await browser.open(server.base, { colorScheme, viewport: { width, height: 900 } });
      await logIn(page);
      for (const path of pages) {
        const response = await page.goto(server.base + path);
        await page.locator("h1, .empty h2").first().waitFor();
        await page.waitForLoadState("networkidle");
        assert.equal(response.status(), path.startsWith("/nowhere") ? 404 : 200);
        if (width !== 768) await page.screenshot({ path: `${SCREENS}/${nameOf(path)}-${width}-${colorScheme}.png` });
        const { violations } = await new AxeBuilder({ page }).analyze();
        assert.deepEqual(violations.map(({ id, nodes }) => `${path} ${width} ${colorScheme}: ${id} ${nodes[0].html}`), []);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${path} is ${overflow} px too wide at ${width} px`);
      }
      assert.deepEqual(faults, []);
      await context.close();
    }
  }
});

test("what comes from strangers is shown as text, wherever it stands", async () => {
  const evil = '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>';
  const names = [evil, "\u202Egnitirw\u202C", "עדה", "👩‍🚀 Ada", "a".repeat(255)];
  for (const [index, name] of names.entries()) {
    await server.call("POST", "/audits", edit(String(900 + index), "x", { [name]: `${evil}${"long ".repeat(150_000)}` }, {
      user: { id: `u${index}`, name, email: evil.slice(0, 200) }, description: name,
      auditable_url: "javascript:globalThis.hacked=1", workspace_id: name,
    }));
  }
  await eventually("delivered", async () => (await server.call("GET", "/messages?record=feature/904&status=delivered")).items.length);
  const { page, faults } = await browser.open(server.base);
  await logIn(page);
  const { items } = await server.call("GET", "/messages?record=feature/900");
  for (const path of ["/", `/messages/${items[0].id}`, "/records/feature/900", "/integrations/new", "/settings"]) {
    await page.goto(server.base + path);
    await page.waitForLoadState("networkidle");
    if (path === "/") await page.getByText("<img src=x").first().waitFor();
    for (const tab of path.startsWith("/messages/") ? ["Changes", "Request", "Response", "Raw"] : []) {
      await page.getByRole("tab", { name: tab }).click();
    }
    assert.equal(await page.evaluate(() => globalThis.hacked), undefined, path);
    assert.equal(await page.locator('img, a[href^="javascript:"], main script').count(), 0, path);
  }
  assert.deepEqual(faults, []);
});

test("what is being read does not move, and newer messages come when they are asked for", async () => {
  const { page } = await browser.open(server.base);
  await logIn(page);
  const first = page.locator("a.open").first();
  await first.waitFor();
  await first.focus();
  const before = await first.getAttribute("href");
  await server.call("POST", "/audits", edit("777", "Ada", { Name: "News" }));
  await page.getByRole("button", { name: "1 new" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), before);
  await page.getByRole("button", { name: "1 new" }).click();
  await page.getByRole("row", { name: /APP-777/ }).waitFor();
});

test("the pages are light, and nothing in them comes from elsewhere", async () => {
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
  for (const name of await readdir("static", { recursive: true })) whole += (await stat(`static/${name}`)).isFile() ? (await stat(`static/${name}`)).size : 0;
  assert.ok(whole < 120_000, `${whole} bytes in static/`);
  await context.close();
});

test("keys alone are enough to find, open and filter", async () => {
  const { page } = await browser.open(server.base);
  await logIn(page);
  await page.locator("a.open").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  const focused = await page.evaluate(() => document.activeElement.getAttribute("href"));
  assert.equal(focused, await page.locator("a.open").nth(1).getAttribute("href"));
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.name), "status");
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("?");
  await page.getByText("next, previous").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "What happened" }).waitFor();
});

test("logged out in one tab, a revoked token, a restart: the page says so and recovers", async () => {
  const { page, context } = await browser.open(server.base);
  await logIn(page);
  const other = await context.newPage();
  await other.goto(server.base);
  await other.locator("h1").waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("You are logged out.").waitFor();
  await other.bringToFront();
  await other.getByText("The session has ended").waitFor();

  const made = await server.call("POST", "/tokens", { name: "guest", roles: ["viewer"] });
  await logIn(other, made.token);
  assert.equal(await other.getByRole("link", { name: "New integration" }).count(), 0);
  await other.goto(`${server.base}/integrations`);
  await other.getByRole("cell", { name: "Team chat" }).waitFor();
  assert.equal(await other.getByRole("link", { name: "New integration" }).count(), 0, "a viewer makes none");
  await server.call("DELETE", `/tokens/${made.id}`);
  await other.getByText("The session has ended").waitFor();

  await logIn(other);
  const port = Number(new URL(server.base).port);
  await server.stop({ keep: true });
  await other.getByText("The server does not answer").waitFor();
  const { token } = server;
  server = await startServer({ quiet: "2s", folder: server.folder, port });
  server.token = token;
  await other.getByText("The server does not answer").waitFor({ state: "detached" });
  assert.equal(await other.locator("h1").textContent(), "Messages");
  await context.close();
});

async function logIn(page, token = server.token) {
  await page.goto(server.base);
  const input = page.getByLabel("Token");
  await input.or(page.locator("h1", { hasText: "Messages" })).first().waitFor();
  if (await input.isVisible()) {
    await input.fill(token);
    await page.getByRole("button", { name: "Log in" }).click();
  }
  await page.locator("h1", { hasText: "Messages" }).waitFor();
}
