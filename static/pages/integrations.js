// Integrations: the list, and one of them as a form.

import { api } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { poll } from "/static/poll.js";
import { empty, may, none, serverAway, state, table, time } from "/static/ui.js";
import { integrationLinks } from "/static/pages/links.js";
import { integrationForm } from "/static/pages/integration_form.js";
import { afterSaving, integrationActions, secretCard, takeFreshSecret } from "/static/pages/integration_actions.js";

export function integrationsPage(main, { me }) {
  const [away, place] = [h("div"), h("div")];
  const mayChange = may(me, "admin", "owner");
  const add = () => h("a.button.main", { href: "/integrations/new" }, "New integration");
  let drawn = "";
  fill(main,
    h("div.head", h("h1", "Integrations"),
      mayChange ? h("p.buttons", add()) : null),
    away, place);

  async function load(signal) {
    const { items } = await api.get("/integrations?limit=1000", { signal });
    const now = JSON.stringify(items);
    if (now === drawn) return;
    drawn = now;
    fill(place, items.length > 0 ? list(items, signal) : empty("No integration yet",
      h("p", "An integration says which edits go to which URL: to a chat, to your own service."),
      mayChange ? h("p", add()) : null));
  }
  return { title: "Integrations", leave: poll(load, 5, serverAway(away)) };
}

/** How the newest messages went, asked for row by row, so that the list itself is there at once. */
function lately(found, signal) {
  const cells = [h("td.tight.wide"), h("td.tight.wide"), h("td.list")];
  api.get(`/integrations/${found.id}/stats`, { signal }).then((stats) => {
    const [strip, rate, error] = cells;
    fill(strip, stripOf(stats.last));
    const percent = stats.success_rate === null ? none() : `${Math.round(stats.success_rate * 1000) / 10} %`;
    fill(rate, percent, stats.p50_ms === null ? null : h("span.below", `p50 ${stats.p50_ms} · p95 ${stats.p95_ms} ms`));
    fill(error, stats.last_error ? [time(found.last_error_at), h("span.below", stats.last_error)] : none());
  }, () => {});
  return cells;
}

/** The newest last, as one reads. */
function stripOf(states) {
  if (states.length === 0) return none();
  const count = (name) => states.filter((state) => state === name).length;
  const label = `Of the last ${states.length}: ${count("delivered")} delivered, ${count("failed")} failed`;
  const signs = { delivered: "✓", failed: "✕" };
  return h("span.strip", { role: "img", "aria-label": label, title: label }, states.toReversed().map((state) =>
    h("span", { class: signs[state] ? state : "other" }, signs[state] ?? "·")));
}

function list(items, signal) {
  const heads = ["State", "Name", "Level", "Sends", "Last delivery", "Last 20", "Success", "Last error", "Log"];
  return table("Integrations", heads, items.map((found) => h("tr",
    h("td.tight", state(found.status)),
    h("td.main", h("a", { href: `/integrations/${found.id}`, dir: "auto" }, found.name),
      h("span.below", found.hook_url),
      found.validate_certificate ? null : h("span.below.state.failing", "▲ certificate is not checked")),
    h("td", found.workspace_id ? `workspace ${found.workspace_id}` : "account"),
    h("td", found.collation, h("span.below", `as ${found.format}`)),
    h("td.tight", time(found.last_delivery_at)),
    lately(found, signal),
    h("td.tight", h("a", { href: logOf(found.id), "aria-label": `Log messages of ${found.name}` }, "Log messages")))));
}

/** Where the log of an integration is. */
function logOf(id) {
  return `/integrations/${id}/log`;
}

export function integrationPage(main, { me, parameters: [id] }) {
  const [place, once] = [h("div"), h("div")];
  fill(main, place);
  const isNew = id === "new";
  const mayChange = may(me, "admin", "owner");

  async function draw(secret = null) {
    const { answer, etag } = isNew
      ? { answer: null, etag: null }
      : await api.getWithEtag(`/integrations/${encodeURIComponent(id)}`);
    if (!isNew) document.title = `${answer.name} · Lull`;
    fill(once, secret ? secretCard(secret) : null);
    fill(place,
      h("div.head",
        h("h1", { dir: "auto" }, isNew ? "New integration" : answer.name),
        isNew ? null : state(answer.status),
        isNew || !mayChange ? null : integrationActions(answer, once)),
      once,
      answer?.disabled_because ? h("p.away", BECAUSE[answer.disabled_because]) : null,
      answer?.kind === "record" ? integrationLinks(answer) : null,
      integrationForm(answer, { me, mayChange, etag, saved: (made) => afterSaving(made, isNew, () => draw().catch(failed)) }),
      isNew ? null : h("p.log", h("a", { href: logOf(id) }, "Log messages")));
  }

  function failed(problem) {
    fill(place, h("h1.unseen", "Integration"), empty("The integration cannot be shown", h("p", problem.message),
      h("p", h("button", { type: "button", onclick: () => draw().catch(failed) }, "Try again"), " ", h("a", { href: "/integrations" }, "All integrations"))));
  }
  draw(takeFreshSecret()).catch(failed);
  return { title: isNew ? "New integration" : "Integration" };
}

const BECAUSE = {
  gone: "Disabled by Lull: the hook answered 410 Gone. Enable it again when that was a mistake.",
  failing: "Disabled by Lull: nothing but failures for five days. What is owed is held, and goes on when it is enabled.",
};
