// Whole records at hooks: where one is, sending it there, and what is at a hook.

import { api, query, recordPath } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { ask, button, due, none, table, tell, time } from "/static/ui.js";

/** States of a link: the state of messages that they look like, a sign, a word. */
const STATES = {
  waiting: ["pending", "◷", "waits for its parent"],
  sending: ["pending", "◷", "on its way"],
  failed: ["failed", "✕", "not taken"],
  linked: ["delivered", "✓", "linked"],
  removing: ["pending", "◷", "being removed"],
};

/** The hooks that a record is at. `load` looks again. */
export function recordLinks(record, mayChange) {
  const path = `/records/${recordPath(record)}`;
  const place = h("div");
  let drawn = "";

  async function load(signal) {
    const links = await api.get(`${path}/links`, { signal }).then((page) => page.items, (problem) => {
      // It was never put, or is of another workspace.
      if (problem.status === 404 || problem.status === 403) return null;
      throw problem;
    });
    const now = JSON.stringify(links);
    if (now === drawn || place.contains(document.activeElement)) return;
    drawn = now;
    fill(place, links === null ? null : [
      h("h2", "Hooks that have the record"),
      links.length > 0
        ? list("Integration", links, (link) => h("a", { href: `/integrations/${link.integration.id}` }, link.integration.name ?? "deleted"),
          mayChange ? (link) => unlinkButton(path, link, load) : null)
        : h("p.quiet", "None: nobody has sent it to a hook."),
      mayChange ? h("p.buttons", button("Send to webhook…", () => send(path, load))) : null,
    ]);
  }
  return { element: place, load };
}

async function send(path, load) {
  const { items } = await api.get("/integrations?limit=1000");
  const hooks = items.filter((found) => found.kind === "record" && found.status !== "disabled");
  if (hooks.length === 0) return tell("There is no enabled integration webhook: make one first.", "bad");
  let sent = null;
  const done = await ask("Send this record, and its changes from now on", h("label.field", h("span", "Integration"),
    h("select", { name: "to" }, hooks.map((found) => h("option", { value: found.id }, found.name)))), "Send",
  { act: async (data) => { sent = await api.post(`${path}/send-to/${data.get("to")}`); } });
  if (!done) return null;
  const parents = sent.linked.slice(0, -1).map((one) => `${one.type} ${one.id}`).join(", ");
  tell(sent.message === null ? "It is queued behind what is on its way." : `Queued${parents && `, after ${parents}`}.`);
  return again(load);
}

function unlinkButton(path, link, load) {
  return button("Unlink…", async () => {
    const done = await ask(`Unlink from ${link.integration.name ?? "the hook"}?`,
      h("p", "Nothing is sent. Later changes of the record do not go there any more."), "Unlink",
      { kind: "bad", act: () => api.delete(`${path}/links/${link.integration.id}`) });
    if (!done) return;
    tell("Unlinked.");
    await again(load);
  }, { class: "small" });
}

function again(load) {
  document.activeElement?.blur();
  return load();
}

/** The records that are at a hook, page by page. */
export function integrationLinks(found) {
  const rows = h("div");
  async function more(after) {
    const page = await api.get(`/integrations/${found.id}/links${query({ limit: 50, after })}`);
    rows.querySelector(":scope > p")?.remove();
    rows.append(page.items.length > 0
      ? list("Record", page.items, ({ record }) => h("a", { href: `/records/${recordPath(record)}` }, `${record.type} ${record.id}`))
      : h("p.quiet", "None yet: send one from its page, or through the API."));
    if (page.next) rows.append(h("p", button("More", () => more(page.next))));
  }
  more("").catch((problem) => fill(rows, h("p.wrong", problem.message)));
  return h("section", h("h2", "Linked records"), rows);
}

function list(subject, links, about, action = null) {
  const heads = ["State", subject, "Since", "The receiver calls it", "Next update", "Last message", ...(action ? [""] : [])];
  return table(subject === "Record" ? "Linked records" : "Links", heads, links.map((link) => h("tr",
    h("td.tight", state(link)),
    h("td.main", about(link)),
    h("td.tight", time(link.linked_at), h("span.below", `by ${link.linked_by}`)),
    h("td", fields(link.integration_fields)),
    h("td.tight", due(link.next_update_at)),
    h("td.tight", link.message ? h("a", { href: `/messages/${link.message}` }, "Message") : none()),
    action ? h("td.tight", action(link)) : null)));
}

function state({ state: name, waits_for: parent }) {
  const [like, sign, word] = STATES[name] ?? ["", "·", name];
  return [h("span", { class: `state ${like}` }, h("span", { "aria-hidden": "true" }, sign), ` ${word}`),
    parent ? h("span.below", h("a", { href: `/records/${recordPath(parent)}` }, `${parent.type} ${parent.id}`)) : null];
}

/** What strangers answered: text, and a link only where it is one of the web. */
function fields(all) {
  if (all.length === 0) return none();
  return all.map(({ name, value }) => h("span.below", h("b", name), " ",
    /^https?:\/\//i.test(value) ? h("a", { href: value, rel: "noreferrer noopener", target: "_blank" }, value) : value));
}
