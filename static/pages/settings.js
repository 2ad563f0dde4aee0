// Settings: workspaces, tokens, accounts, and how the server is.

import { api } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { usesUtc, useUtc } from "/static/time.js";
import { ask, button, copyButton, tell, time } from "/static/ui.js";

const ROLES = {
  admin: "everything in the account", owner: "the workspaces it names", producer: "posts audits, reads nothing",
  viewer: "reads, changes nothing", operator: "the server itself",
};

export function settingsPage(main, { me }) {
  const has = (...roles) => roles.some((role) => me.roles.includes(role));
  const sections = [
    h("h2", null, "Times"), timesChoice(),
    has("admin", "owner", "viewer") ? section("Workspaces", workspaces, has("admin")) : null,
    has("admin", "operator") ? section("Tokens", tokens, true, me) : null,
    has("operator") ? section("Accounts", accounts, true) : null,
    has("admin", "viewer", "operator") ? section("Server", server) : null,
  ];
  fill(main, h("div", { class: "head" }, h("h1", null, "Settings")), sections);
  return { title: "Settings" };
}

/** A part of the page that loads itself, and again when something in it was changed. */
function section(title, content, ...more) {
  const place = h("div");
  async function load() {
    try {
      fill(place, await content(load, ...more));
    } catch (problem) {
      fill(place, h("p", { class: "wrong" }, problem.message));
    }
  }
  load();
  return [h("h2", null, title), place];
}

function timesChoice() {
  const input = h("input", { type: "checkbox", checked: usesUtc(), onchange: () => useUtc(input.checked) });
  return h("label", null, input, " show exact times in UTC");
}

function table(label, head, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, h("table", null,
    h("thead", null, h("tr", null, head.map((name) => h("th", { scope: "col" }, name || h("span", { class: "unseen" }, "Actions"))))),
    h("tbody", null, rows)));
}

function remover(label, question, path, again) {
  return button(label, async () => {
    if (!(await ask(question, h("p", null, "This cannot be undone."), label.replace("…", ""), "bad"))) return;
    await api.delete(path);
    await again();
  }, { class: "small bad" });
}

function inputField(name, label, properties = {}) {
  return h("label", { class: "field" }, h("span", null, label), h("input", { type: "text", name, ...properties }));
}

async function workspaces(again, mayChange) {
  const { items } = await api.get("/workspaces?limit=1000");
  const rows = items.map((found) => h("tr", null,
    h("td", null, found.name ?? h("span", { class: "quiet" }, "named by audits only")),
    h("td", { class: "mono" }, found.id),
    mayChange ? h("td", { class: "tight" }, found.name === null ? null
      : remover("Delete…", `Delete the workspace ${found.name}?`, `/workspaces/${encodeURIComponent(found.id)}`, again)) : null));
  return [
    items.length === 0 ? h("p", { class: "quiet" }, "None yet.") : table("Workspaces", ["Name", "Id", ...(mayChange ? [""] : [])], rows),
    mayChange ? h("p", null, button("New workspace…", async () => {
      const data = await ask("New workspace", [inputField("id", "Id, as audits name it", { required: true }), inputField("name", "Name")], "Make");
      if (!data) return;
      await api.post("/workspaces", { id: data.get("id"), name: data.get("name") || data.get("id") });
      await again();
    })) : null,
  ];
}

async function tokens(again, mayChange, me) {
  const { items } = await api.get("/tokens?limit=1000");
  const shown = h("div");
  const rows = items.map((found) => h("tr", null,
    h("td", null, found.name, found.id === me.token.id ? h("span", { class: "below" }, "you") : null),
    h("td", null, found.roles.join(", "), found.workspaces.length > 0 ? h("span", { class: "below" }, `of ${found.workspaces.join(", ")}`) : null),
    h("td", { class: "tight" }, time(found.created_at)), h("td", { class: "tight" }, time(found.last_used_at)),
    h("td", { class: "tight" }, found.expires_at ? time(found.expires_at) : "never"),
    h("td", { class: "tight" }, remover("Revoke…", `Revoke the token ${found.name}?`, `/tokens/${found.id}`, again))));
  return [
    table("Tokens", ["Name", "Roles", "Made", "Last used", "Expires", ""], rows), shown,
    h("p", null, button("New token…", async () => {
      const data = await ask("New token", [
        inputField("name", "Name", { required: true }),
        h("fieldset", { class: "choices" }, h("legend", { class: "quiet" }, "Roles"),
          Object.entries(ROLES).filter(([role]) => role !== "operator" || me.roles.includes("operator")).map(([role, says]) =>
            h("label", null, h("input", { type: "checkbox", name: "roles", value: role }), ` ${role}: ${says}`))),
        inputField("workspaces", "Workspaces of an owner, with commas between"),
        inputField("expires_in", "Expires in", { placeholder: "never; or like 90d" }),
      ], "Make");
      if (!data) return;
      const named = data.get("workspaces").split(",").map((id) => id.trim()).filter(Boolean);
      const made = await api.post("/tokens", {
        name: data.get("name"), roles: data.getAll("roles"), workspaces: named,
        ...(data.get("expires_in") ? { expires_in: data.get("expires_in") } : {}),
      });
      await again();
      showOnce(made.name, made.token);
    })),
  ];
}

/** A token, shown this once. */
function showOnce(name, token) {
  ask(`The token ${name}`, [h("p", null, "Shown this once."),
    h("p", { class: "secret" }, h("code", { class: "mono" }, token), copyButton(token))], "Done");
}

async function accounts(again) {
  const { items } = await api.get("/accounts?limit=1000");
  return [
    table("Accounts", ["Name", "Id", "Made", ""], items.map((found) => h("tr", null,
      h("td", null, found.name), h("td", { class: "mono" }, found.id), h("td", { class: "tight" }, time(found.created_at)),
      h("td", { class: "tight" }, found.id === "default" ? null
        : remover("Delete…", `Delete the account ${found.name} with all its integrations and tokens?`, `/accounts/${found.id}`, again))))),
    h("p", null, button("New account…", async () => {
      const data = await ask("New account", [inputField("id", "Id: small letters, digits, hyphens", { required: true }), inputField("name", "Name")], "Make");
      if (!data) return;
      const made = await api.post("/accounts", { id: data.get("id"), name: data.get("name") || data.get("id") });
      await again();
      showOnce(`of ${made.name}'s administrator`, made.token);
    })),
  ];
}

async function server() {
  const stats = await api.get("/stats");
  const fact = (name, value) => [h("dt", null, name), h("dd", null, value)];
  const bytes = (number) => `${(number / 1024 / 1024).toLocaleString("en", { maximumFractionDigits: 1 })} MiB`;
  const { windows, store, rates } = stats;
  return h("div", { class: "card" }, h("dl", { class: "facts" },
    fact("Version", stats.version),
    fact("Up for", `${Math.floor(stats.uptime_seconds / 3600)} h ${Math.floor(stats.uptime_seconds / 60) % 60} min`),
    windows ? fact("Open windows", windows.open.toLocaleString("en")) : null,
    windows?.lateness ? fact("Windows closed late by", `${windows.lateness.p50_ms} ms (median), ${windows.lateness.p99_ms} ms (99 %)`) : null,
    rates ? fact("In the last minute", `${rates.audits} audits, ${rates.windows_closed} windows, ${rates.messages_delivered} deliveries a second`) : null,
    store ? fact("Store", `${bytes(store.bytes_kept)} of history and log, ${bytes(store.bytes_on_disk)} on disk`) : null));
}
