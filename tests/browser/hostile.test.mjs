// What comes from strangers is shown as text, wherever it stands.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edit, eventually, logIn, setUp } from "./harness.mjs";

const EVIL = '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>';
const NAMES = [EVIL, "\u202Egnitirw\u202C", "עדה", "👩‍🚀 Ada", "a".repeat(255)];
const FOREVER = "1h";

let all;
before(async () => { all = await setUp(); });
after(() => all?.stop());

test("what comes from strangers is shown as text, wherever it stands", async () => {
  const { browser, server, receiver, chat } = all;
  receiver.answers.body = EVIL;
  await server.call("POST", "/integrations", { name: EVIL, kind: "activity", hook_url: receiver.url, quiet_period: FOREVER });
  for (const [index, name] of NAMES.entries()) {
    await server.call("POST", "/audits", edit(String(900 + index), "x", { [name]: `${EVIL}${"long ".repeat(190_000)}` }, {
      user: { id: `u${index}`, name, email: EVIL.slice(0, 200) }, description: name,
      auditable_url: "javascript:globalThis.hacked=1", workspace_id: name,
    }));
  }
  await server.call("POST", "/audits", { ...edit(EVIL, "x", { a: 1 }), auditable_type: EVIL });
  const ids = await eventually("delivered", async () => {
    const { items } = await server.call("GET", `/messages?status=delivered&integration=${chat.id}`);
    return items.length === NAMES.length + 1 ? items.map(({ id }) => id) : null;
  });
  for (const width of [360, 1440]) {
    const { page, context, faults } = await browser.open(server.base, { viewport: { width, height: 900 } });
    await logIn(page, server);
    const record = encodeURIComponent(EVIL);
    for (const path of ["/", ...ids.map((id) => `/messages/${id}`), "/records", `/records/feature/900?integration=${chat.id}`, "/records/feature/904",
      `/records/${record}/${record}`, "/integrations", `/integrations/${chat.id}`, "/settings"]) {
      await page.goto(server.base + path);
      await page.waitForLoadState("networkidle");
      if (path === "/") await page.locator("a.open", { hasText: "<img src=x" }).first().waitFor();
      for (const tab of path.startsWith("/messages/") ? ["Request", "Response", "Raw", "Changes"] : []) {
        await page.getByRole("tab", { name: tab }).click();
        if (tab === "Response") await page.getByText("<img src=x onerror").first().waitFor();
      }
      if (path === "/records") {
        await page.getByRole("button", { name: /^Preview/ }).first().click();
        await page.locator("dialog table").first().waitFor();
      }
      const found = await page.evaluate(() => ({
        hacked: globalThis.hacked, wide: document.documentElement.scrollWidth - innerWidth,
        elements: document.querySelectorAll('img, a[href^="javascript:"], main script, [onerror]').length,
      }));
      assert.deepEqual({ ...found, wide: found.wide > 0 }, { hacked: undefined, elements: 0, wide: false }, `${path} at ${width} px`);
    }
    assert.deepEqual(faults, []);
    await context.close();
  }
});

test("a name that is written from right to left leaves the words beside it as they are", async () => {
  const { browser, server } = all;
  const { page } = await browser.open(server.base);
  await logIn(page, server);
  const name = page.locator("bdi", { hasText: "gnitirw" }).first();
  await name.waitFor();
  assert.equal(await name.evaluate((element) => getComputedStyle(element).unicodeBidi), "isolate");
});
