// Settings, and what each role is shown.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edit, integrate, logIn, message, setUp } from "./harness.mjs";

let all;
before(async () => {
  all = await setUp();
  const { server } = all;
  await integrate(server, all.receiver.url, { name: "Workspace chat", workspace_id: "ws1" });
  await server.call("POST", "/audits", edit("42", "Ada", { Name: "Export" }, { workspace_id: "ws1" }));
  await message(server, "status=delivered");
  // One that stays open.
  await integrate(server, all.receiver.url, { name: "Digest", workspace_id: "ws1", quiet_period: "1h" });
  await server.call("POST", "/audits", edit("43", "Ada", { Name: "Import" }, { workspace_id: "ws1" }));
});
after(() => all?.stop());

test("workspaces, tokens and accounts are made, shown, and taken away; what is wrong is said in the dialog", async () => {
  const { browser, server } = all;
  const { page } = await browser.open(server.base);
  await logIn(page, server);
  await page.goto(`${server.base}/settings`);
  const dialog = page.locator("dialog");

  await page.getByRole("button", { name: "New workspace…" }).click();
  await dialog.getByLabel("Id, as audits name it").fill("ws2");
  await dialog.getByLabel("Name", { exact: true }).fill("Second");
  await dialog.getByRole("button", { name: "Make" }).click();
  await page.getByRole("row", { name: /Second/ }).waitFor();

  await page.getByRole("button", { name: "New token…" }).click();
  await dialog.getByLabel("Name", { exact: true }).fill("guest");
  await dialog.getByRole("button", { name: "Make" }).click();
  await dialog.getByText("roles:").waitFor();
  assert.equal(await dialog.getByLabel("Name", { exact: true }).inputValue(), "guest", "nothing is written twice");
  await dialog.getByLabel("viewer:").check();
  await dialog.getByRole("button", { name: "Make" }).click();
  const token = await dialog.locator("code").textContent();
  assert.match(token, /^lull_/);
  await dialog.getByRole("button", { name: "Copy" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByRole("row", { name: /guest/ }).getByRole("button", { name: /Revoke/ }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("row", { name: /guest/ }).waitFor({ state: "detached" });

  await page.getByRole("button", { name: "New account…" }).click();
  await dialog.getByLabel("Id: small letters").fill("other");
  await dialog.getByRole("button", { name: "Make" }).click();
  await dialog.getByText("Shown this once").waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByRole("row", { name: /other/ }).waitFor();
  for (const fact of ["Version", "Up for", "Closed late by", "Store", "Windows open at a time", "One audit"]) await page.getByText(fact, { exact: true }).waitFor();
});

const buttons = {
  "/": [], "/records": ["Send now", "Discard"], "/integrations": ["New integration"], "/settings": ["New token…", "New workspace…", "New account…"],
};

/** What each role sees: the parts of the navigation, and those buttons that change something. */
const SEES = [
  [["admin"], ["Messages", "Open windows", "Integrations", "Settings"], ["Send now", "Discard", "New integration", "New token…", "New workspace…"]],
  [["owner"], ["Messages", "Open windows", "Integrations", "Settings"], ["Send now", "Discard", "New integration"]],
  [["viewer"], ["Messages", "Open windows", "Integrations", "Settings"], []],
  [["operator"], ["Settings"], ["New token…", "New account…"]],
  [["producer"], [], []],
];

for (const [roles, parts, mayUse] of SEES) {
  test(`whoever is ${roles} is shown what that role may do and nothing more`, async () => {
    const { browser, server } = all;
    const made = await server.call("POST", "/tokens", { name: `an ${roles}`, roles, ...(roles[0] === "owner" ? { workspaces: ["ws1"] } : {}) });
    const { page, context, faults } = await browser.open(server.base);
    await logIn(page, server, made.token);
    assert.deepEqual(await page.locator("nav a:not(.name)").allTextContents(), parts);
    const refused = [];
    page.on("response", (response) => { if (response.status() === 403) refused.push(response.url()); });
    const found = [];
    for (const [path, names] of Object.entries(buttons)) {
      await page.goto(server.base + path);
      await page.waitForLoadState("networkidle");
      for (const name of names) {
        if (await page.getByRole("button", { name }).or(page.getByRole("link", { name })).count() > 0) found.push(name);
      }
    }
    assert.deepEqual(found.sort(), [...mayUse].sort());
    if (parts.length > 0 && parts[0] === "Messages") {
      const { items: [message] } = await server.call("GET", "/messages?status=delivered&record=feature/42");
      const own = (await server.call("GET", "/integrations")).items.find(({ name }) => name === "Workspace chat");
      const readOnly = roles[0] === "viewer";
      const at = roles[0] === "owner" ? (await server.call("GET", `/messages?integration=${own.id}`)).items[0] : message;
      await page.goto(`${server.base}/messages/${at.id}`);
      await page.getByRole("heading", { name: "What happened" }).waitFor();
      assert.equal(await page.getByRole("button", { name: "Redeliver" }).count(), readOnly ? 0 : 1);
      await page.goto(`${server.base}/integrations/${own.id}`);
      await page.getByLabel("Name", { exact: true }).waitFor();
      assert.equal(await page.getByLabel("Name", { exact: true }).isDisabled(), readOnly);
      assert.equal(await page.getByRole("button", { name: "Send a test" }).count(), readOnly ? 0 : 1);
      await page.goto(`${server.base}/records/feature/42?integration=${own.id}`);
      await page.getByText("the integration sees it").waitFor();
    } else {
      await page.goto(`${server.base}/records`);
      await page.getByText("This token does not open this page").waitFor();
    }
    assert.deepEqual(refused, [], "nothing is asked for that would be refused");
    assert.deepEqual(faults, []);
    await context.close();
  });
}
