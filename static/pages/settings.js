// Settings: workspaces, tokens, accounts, and how the server is.

import { api } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { usesUtc, useUtc } from "/static/time.js";
import { ask, button, copyButton, may, show, table, time } from "/static/ui.js";

const ROLES = {
  admin: "everything in the account", owner: "the workspaces it names", producer: "posts audits, reads nothing",
  viewer: "reads, changes nothing", operator: "the server itself",
};

export function settingsPage(main, { me }) {
  const has = (...roles) => may(me, ...roles);
  const sections = [
    h("h2", "Times"), timesChoice(),
    has("admin", "owner", "viewer") ? section("Workspaces", workspaces, has("admin")) : null,
    has("admin", "operator") ? section("Tokens", tokens, true, me) : null,
    has("operator") ? section("Accounts", accounts, true) : null,
    has("admin", "viewer", "operator") ? section("Server", server) : null,
  ];
  fill(main, h("div.head", h("h1", "Settings")), sections);
  return { title: "Settings" };
}

/** A part of the page that loads itself, and again when something in it was changed. */
function section(title, content, ...more) {
  const place = h("div");
  async function load() {
    try {
      fill(place, await content(load, ...more));
    } catch (problem) {
      fill(place, h("p.wrong", problem.message));
    }
  }
  load();
  return [h("h2", title), place];
}

function timesChoice() {
  const input = h("input", { type: "checkbox", checked: usesUtc(), onchange: () => useUtc(input.checked) });
  return h("label", input, " show exact times in UTC");
}

function remover(label, question, path, again) {
  return button(label, async () => {
    const done = await ask(question, h("p", "This cannot be undone."), label.replace("…", ""), { kind: "bad", act: () => api.delete(path) });
    if (done) await again();
  }, { class: "small bad", "aria-label": question.replace("?", "") });
}

function inputField(name, label, properties = {}) {
  return h("label.field", h("span", label), h("input", { type: "text", name, ...properties }));
}

async function workspaces(again, mayChange) {
  const { items } = await api.get("/workspaces?limit=1000");
  const rows = items.map((found) => h("tr",
    h("td", found.name ?? h("span.quiet", "named by audits only")),
    h("td.mono", found.id),
    mayChange ? h("td.tight", found.name === null ? null
      : remover("Delete…", `Delete the workspace ${found.name}?`, `/workspaces/${encodeURIComponent(found.id)}`, again)) : null));
  return [
    items.length === 0 ? h("p.quiet", "None yet.") : table("Workspaces", ["Name", "Id", ...(mayChange ? [""] : [])], rows),
    mayChange ? h("p", button("New workspace…", async () => {
      const done = await ask("New workspace", [inputField("id", "Id, as audits name it", { required: true }), inputField("name", "Name")], "Make",
        { act: (data) => api.post("/workspaces", { id: data.get("id"), name: data.get("name") || data.get("id") }) });
      if (done) await again();
    })) : null,
  ];
}

async function tokens(again, mayChange, me) {
  const { items } = await api.get("/tokens?limit=1000");
  const rows = items.map((found) => h("tr",
    h("td", found.name, found.id === me.token.id ? h("span.below", "you") : null),
    h("td", found.roles.join(", "), found.workspaces.length > 0 ? h("span.below", `of ${found.workspaces.join(", ")}`) : null),
    h("td.tight", time(found.created_at)), h("td.tight", time(found.last_used_at)),
    h("td.tight", found.expires_at ? time(found.expires_at) : "never"),
    h("td.tight", remover("Revoke…", `Revoke the token ${found.name}?`, `/tokens/${found.id}`, again))));
  return [
    table("Tokens", ["Name", "Roles", "Made", "Last used", "Expires", ""], rows),
    h("p", button("New token…", async () => {
      let made = null;
      const done = await ask("New token", [
        inputField("name", "Name", { required: true }),
        h("fieldset.choices", h("legend.quiet", "Roles"),
          Object.entries(ROLES).filter(([role]) => role !== "operator" || me.roles.includes("operator")).map(([role, says]) =>
            h("label", h("input", { type: "checkbox", name: "roles", value: role }), ` ${role}: ${says}`))),
        inputField("workspaces", "Workspaces of an owner, with commas between"),
        inputField("expires_in", "Expires in", { placeholder: "never; or like 90d" }),
      ], "Make", { act: async (data) => {
        const named = data.get("workspaces").split(",").map((id) => id.trim()).filter(Boolean);
        made = await api.post("/tokens", {
          name: data.get("name"), roles: data.getAll("roles"), workspaces: named,
          ...(data.get("expires_in") ? { expires_in: data.get("expires_in") } : {}),
        });
      } });
      if (!done) return;
      await again();
      showOnce(`The token ${made.name}`, made.token);
    })),
  ];
}

/** A token, shown this once. */
function showOnce(title, token) {
  show(title, h("p", "Shown this once: copy it now."),
    h("p.secret", h("code.mono", token), copyButton(token)));
}

async function accounts(again) {
  const { items } = await api.get("/accounts?limit=1000");
  return [
    table("Accounts", ["Name", "Id", "Made", ""], items.map((found) => h("tr",
      h("td", found.name), h("td.mono", found.id), h("td.tight", time(found.created_at)),
      h("td.tight", found.id === "default" ? null
        : remover("Delete…", `Delete the account ${found.name} with all its integrations and tokens?`, `/accounts/${found.id}`, again))))),
    h("p", button("New account…", async () => {
      let made = null;
      const done = await ask("New account", [inputField("id", "Id: small letters, digits, hyphens", { required: true }), inputField("name", "Name")], "Make",
        { act: async (data) => { made = await api.post("/accounts", { id: data.get("id"), name: data.get("name") || data.get("id") }); } });
      if (!done) return;
      await again();
      showOnce(`The token of ${made.name}'s administrator`, made.token);
    })),
  ];
}

async function server() {
  const stats = await api.get("/stats");
  const fact = (name, ...value) => [h("dt", name), h("dd", value)];
  const count = (number) => number.toLocaleString("en");
  const { audits, windows, messages, store, rates, limits } = stats;
  return [h("div.card", h("dl.facts",
    fact("Version", stats.version),
    fact("Up for", uptime(stats.uptime_seconds)),
    audits ? fact("Audits", `${count(audits.accepted)} accepted, ${count(audits.duplicates)} known already`) : null,
    windows ? fact("Windows", `${count(windows.open)} open, ${count(windows.closed)} closed`) : null,
    windows?.lateness ? fact("Closed late by", `${windows.lateness.p50_ms} ms (median), ${windows.lateness.p99_ms} ms (99 %)`) : null,
    messages ? fact("Messages", `${count(messages.owed)} owed, ${count(messages.delivered)} delivered, ${count(messages.failed)} failed`) : null,
    messages?.oldest_owed_at ? fact("Oldest owed", time(messages.oldest_owed_at)) : null,
    rates ? fact("In the last minute", `${rates.audits} audits, ${rates.windows_closed} windows, ${rates.messages_delivered} deliveries a second`) : null,
    store ? fact("Store", `${bytes(store.bytes_kept)} of history and log, ${bytes(store.bytes_on_disk)} on disk`) : null)),
  limits ? table("Limits", ["Limit", "Now", "At most"], LIMITS.filter(([key]) => limits[key]).map(([key, label, unit]) => h("tr",
    h("td", label),
    h("td.tight", limits[key].now === undefined ? "–" : unit(limits[key].now)),
    h("td.tight", unit(limits[key].max))))) : null];
}

const plain = (number) => number.toLocaleString("en");
const LIMITS = [
  ["open_windows", "Windows open at a time", plain], ["buffered_bytes", "Edits that wait in windows", bytes],
  ["request_bytes", "Requests being read", bytes], ["connections", "Connections", plain],
  ["body_bytes", "One call", bytes], ["audit_bytes", "One audit", bytes], ["batch_audits", "Audits in a call", plain],
];

function bytes(number) {
  const [size, unit] = number >= 1024 ** 3 ? [1024 ** 3, "GiB"] : number >= 1024 ** 2 ? [1024 ** 2, "MiB"] : [1024, "KiB"];
  return `${(number / size).toLocaleString("en", { maximumFractionDigits: 1 })} ${unit}`;
}

function uptime(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  return `${days > 0 ? `${days} d ` : ""}${hours} h ${minutes} min`;
}
