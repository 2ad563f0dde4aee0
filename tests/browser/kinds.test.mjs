// Integrations of each kind by the form, and the log of one with what became of itself.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edit, eventually, integrate, logIn, setUp } from "./harness.mjs";

let all;
before(async () => { all = await setUp({ integration: null }); });
after(() => all?.stop());

const made = async (name) => {
  const { items } = await all.server.call("GET", "/integrations?limit=1000");
  return items.find((found) => found.name === name);
};

async function fill(page, kind, name) {
  await page.goto(`${all.server.base}/integrations/new`);
  await page.getByRole("radio", { name: kind }).check();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Hook URL").fill(all.receiver.url);
}

test("a security webhook is made with what it needs, and shows nothing that it has no use for", async () => {
  const { browser, server } = all;
  const { page, faults } = await browser.open(server.base);
  await logIn(page, server);
  await fill(page, /Security webhook/, "SIEM");
  for (const gone of ["Quiet period", "The whole account", "Collated"]) {
    assert.equal(await page.getByText(gone, { exact: true }).first().isVisible(), false, gone);
  }
  await page.getByLabel("Actions").fill("login.*, token.*");
  await page.getByLabel("Outcome").selectOption("failure");
  await page.getByLabel("Severity at least").fill("11");
  await page.getByLabel("Format").selectOption("splunk_hec");
  await page.getByLabel("Events in a message").fill("50");
  await page.getByRole("button", { name: "Make" }).click();
  await page.locator("#wrong-min_severity").getByText("from 0 to 10").waitFor();
  await page.getByLabel("Severity at least").fill("4");
  await page.getByRole("button", { name: "Make" }).click();
  await page.getByText("whsec_").waitFor();
  const { kind, actions, outcome, min_severity: severity, format, batch, workspace_id: workspace } = await made("SIEM");
  assert.deepEqual([kind, actions, outcome, severity, format, batch, workspace],
    ["security", ["login.*", "token.*"], "failure", 4, "splunk_hec", { max_events: 50, max_wait: "5s" }, null]);
  // And changed: its kind is what it was.
  await page.getByLabel("Actions").fill("login.*");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  assert.deepEqual((await made("SIEM")).actions, ["login.*"]);
  assert.equal(await page.getByRole("radio", { name: /Activity webhook/ }).count(), 0);
  assert.deepEqual(faults, []);
});

test("an integration webhook is made for a workspace, with the types that it takes", async () => {
  const { browser, server } = all;
  const { page, faults } = await browser.open(server.base);
  await logIn(page, server);
  await fill(page, /Integration webhook/, "Tracker");
  await page.getByRole("button", { name: "Make" }).click();
  await page.getByText("Choose a workspace.").waitFor();
  await page.getByLabel("Add to workspace id").fill("ws1");
  await page.getByRole("button", { name: "Add activity" }).click();
  await page.getByLabel("Add to record types").fill("feature");
  assert.equal(await page.getByLabel("Add to fields").isVisible(), false);
  await page.getByRole("button", { name: "Make" }).click();
  await page.getByText("whsec_").waitFor();
  const { kind, workspace_id: workspace, activities } = await made("Tracker");
  assert.deepEqual([kind, workspace, activities[0].record_types], ["record", "ws1", ["feature"]]);
  await page.getByRole("heading", { name: "Linked records" }).waitFor();
  assert.deepEqual(faults, []);
});

test("the log of an integration has its deliveries, and between them what became of itself", async () => {
  const { browser, server } = all;
  const hook = await integrate(server, "http://127.0.0.1:9/", { name: "Dead", retry_schedule: ["1s"] });
  await server.call("POST", "/audits", edit("1", "Ada", { Name: "One" }));
  await eventually("it has failed", async () => (await server.call("GET", `/messages?status=failed&integration=${hook.id}`)).items[0]);
  await server.call("POST", `/integrations/${hook.id}/rotate-secret`, {});
  await server.call("PATCH", `/integrations/${hook.id}`, { hook_url: all.receiver.url });
  await server.call("POST", "/audits", edit("2", "Ada", { Name: "Two" }));
  await eventually("it was delivered", async () => (await server.call("GET", `/messages?status=delivered&integration=${hook.id}`)).items[0]);
  await server.call("PATCH", `/integrations/${hook.id}`, { enabled: false });

  const { page, faults } = await browser.open(server.base);
  await logIn(page, server);
  await page.goto(`${server.base}/integrations/${hook.id}`);
  await page.getByRole("link", { name: "Log messages" }).click();
  const entries = page.locator(".entry");
  await entries.getByText("Disabled", { exact: true }).waitFor();
  const said = (await entries.allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
  const order = ["Disabled", "Delivered", "Changed", "Secret rotated", "Failing", "Failed", "Created"];
  const places = order.map((word) => said.findIndex((text) => text.includes(word)));
  assert.ok(places.every((at) => at >= 0), `${said}`);
  // A message stands where it was made, before it had failed.
  assert.deepEqual(places, [...places].sort((one, other) => one - other), `${said}`);
  assert.match(said[0], /Warning.*Disabled/);
  assert.match(said.find((text) => text.includes("Changed")), /hook url.*by/);
  await page.getByText("The log reaches back to").waitFor();
  await page.getByRole("radio", { name: "Error" }).check();
  await entries.getByText("Disabled", { exact: true }).waitFor({ state: "detached" });
  assert.match(page.url(), /level=error/);
  assert.equal(await entries.count(), 2);
  await entries.getByRole("link", { name: /APP-1/ }).click();
  await page.getByRole("heading", { name: /APP-1/ }).waitFor();
  assert.deepEqual(faults, []);
});
