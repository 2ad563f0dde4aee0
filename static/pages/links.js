// Whole records at hooks: where one is, sending it there, and what is at a hook.

import { api, query, recordPath } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { ask, button, tell, time } from "/static/ui.js";

/** States of a link, each with a sign. */
const STATES = {
  waiting: ["◷", "waits for its parent"],
  sending: ["◷", "on its way"],
  failed: ["✕", "not taken"],
  linked: ["✓", "linked"],
  removing: ["◷", "being removed"],
};
const CLASSES = { waiting: "pending", sending: "pending", failed: "failed", linked: "delivered", removing: "pending" };

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
      h("h2", null, "Hooks that have the record"),
      links.length > 0 ? table("Links", ["State", "Integration"], links, (link) => [
        h("a", { href: `/integrations/${link.integration.id}` }, link.integration.name ?? "deleted"),
      ], mayChange ? (link) => unlinkButton(path, link, load) : null)
        : h("p", { class: "quiet" }, "None: nobody has sent it to a hook."),
      mayChange ? h("p", { class: "buttons" }, button("Send to webhook…", () => send(path, load))) : null,
    ]);
  }
  return { element: place, load };
}

async function send(path, load) {
  const { items } = await api.get("/integrations?limit=1000");
  const hooks = items.filter((found) => found.kind === "record" && found.status !== "disabled");
  if (hooks.length === 0) {
    tell("There is no enabled integration of kind record: make one first.", "bad");
    return;
  }
  const data = await ask("Send this record, and its changes from now on", h("label", { class: "field" },
    h("span", null, "Integration"),
    h("select", { name: "to" }, hooks.map((found) => h("option", { value: found.id }, found.name)))), "Send");
  if (!data) return;
  const { linked, message } = await api.post(`${path}/send-to/${data.get("to")}`);
  const parents = linked.length > 1 ? `, after ${linked.slice(0, -1).map((one) => `${one.type} ${one.id}`).join(", ")}` : "";
  tell(message === null ? "It is queued behind what is on its way." : `Queued${parents}.`);
  document.activeElement?.blur();
  await load();
}

function unlinkButton(path, link, load) {
  return button("Unlink…", async () => {
    const name = link.integration.name ?? "the hook";
    const data = await ask(`Unlink from ${name}?`,
      h("p", null, "Nothing is sent. Later changes of the record do not go there any more."), "Unlink", "bad");
    if (!data) return;
    await api.delete(`${path}/links/${link.integration.id}`);
    tell("Unlinked.");
    document.activeElement?.blur();
    await load();
  }, { class: "small" });
}

/** The records that are at a hook, page by page. */
export function integrationLinks(found) {
  const rows = h("div");
  async function more(after) {
    const page = await api.get(`/integrations/${found.id}/links${query({ limit: 50, after })}`);
    const last = rows.lastElementChild;
    if (last?.tagName === "P") last.remove();
    rows.append(page.items.length > 0 ? table("Linked records", ["State", "Record"], page.items, ({ record }) => [
      h("a", { href: `/records/${recordPath(record)}` }, `${record.type} ${record.id}`),
    ]) : h("p", { class: "quiet" }, "None yet: send one from its page, or through the API."));
    if (page.next) rows.append(h("p", null, button("More", () => more(page.next))));
  }
  more("").catch((problem) => fill(rows, h("p", { class: "wrong" }, problem.message)));
  return h("section", null, h("h2", null, "Linked records"), rows);
}

function table(label, [first, second], links, about, action = null) {
  const head = [first, second, "Since", "The receiver calls it", "Next update", "Last message"];
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, h("table", null,
    h("thead", null, h("tr", null, head.map((name) => h("th", { scope: "col" }, name)),
      action ? h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions")) : null)),
    h("tbody", null, links.map((link) => h("tr", null,
      h("td", { class: "tight" }, state(link)),
      h("td", { class: "main" }, about(link)),
      h("td", { class: "tight" }, time(link.linked_at), h("span", { class: "below" }, `by ${link.linked_by}`)),
      h("td", null, fields(link.integration_fields)),
      h("td", { class: "tight" }, time(link.next_update_at)),
      h("td", { class: "tight" }, link.message ? h("a", { href: `/messages/${link.message}` }, "Message") : "–"),
      action ? h("td", { class: "tight" }, action(link)) : null)))));
}

function state(link) {
  const [sign, word] = STATES[link.state] ?? ["·", link.state];
  const parent = link.waits_for;
  return [
    h("span", { class: `state ${CLASSES[link.state] ?? ""}` }, h("span", { "aria-hidden": "true" }, sign), ` ${word}`),
    parent ? h("span", { class: "below" }, h("a", { href: `/records/${recordPath(parent)}` }, `${parent.type} ${parent.id}`)) : null,
  ];
}

/** What strangers answered: text, and a link only where it is one of the web. */
function fields(all) {
  if (all.length === 0) return h("span", { class: "quiet" }, "–");
  return all.map(({ name, value }) => h("span", { class: "below" }, h("b", null, name), " ",
    /^https?:\/\//i.test(value) ? h("a", { href: value, rel: "noreferrer noopener", target: "_blank" }, value) : value));
}
