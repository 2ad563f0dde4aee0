// The filters of the messages. They stand in the address, so that a view can be kept and passed on.

import { api } from "/static/api.js";
import { h } from "/static/h.js";
import { suggestFrom } from "/static/pages/picker.js";
import { fromInput, toInput, zoneName } from "/static/time.js";

export const FILTERS = ["status", "integration", "q", "record_type", "record", "user", "code", "since", "until"];
const STATES = [["pending", "waiting"], ["held", "held"], ["delivered", "delivered"], ["failed", "failed"], ["superseded", "superseded"], ["cancelled", "cancelled"]];
const CODES = [["2xx", "2xx"], ["3xx", "3xx"], ["4xx", "4xx"], ["5xx", "5xx"], ["none", "no answer"]];
/** Those that are always in sight; the others are folded away where there is little room. */
const FIRST = 3;
const TIMES = ["since", "until"];

/** `changed` is called with all filters when one is another. */
export function filterForm(filters, changed) {
  const label = (text, input) => h("label", h("span", text), input);
  const select = (name, text, options) => label(text,
    h("select", { name, onchange: apply }, h("option", { value: "" }, "any"),
      options.map(([value, said]) => h("option", { value, selected: filters[name] === value }, said))));
  const input = (name, text, placeholder, more = {}) => label(text,
    h("input", { type: "search", name, placeholder, value: filters[name], onchange: apply, ...more }));
  const moment = (name, text) => label(`${text} (${zoneName()})`,
    h("input", { type: "datetime-local", name, value: toInput(filters[name]), onchange: apply }));

  const integrations = select("integration", "Integration", []);
  api.get("/integrations?limit=1000").then((page) => {
    const chosen = integrations.querySelector("select");
    chosen.append(...page.items.map((found) =>
      h("option", { value: found.id, selected: filters.integration === found.id }, found.name)));
  }, () => {});
  const type = input("record_type", "Record type", "like feature");
  const user = input("user", "By", "part of a name or id");
  type.append(suggestFrom(type.querySelector("input"), "record-types"));
  user.append(suggestFrom(user.querySelector("input"), "users", (found) => found.name ?? found.id));

  const clear = h("button", { type: "reset", class: "small" }, "Clear filters");
  const wide = matchMedia("(min-width: 48rem)").matches;
  const isSet = (name) => filters[name] !== "";
  const form = h("form.filters", { role: "search", "aria-label": "Filter messages" },
    h("div.grid", select("status", "State", STATES), integrations,
      input("q", "Text", "in record or description")),
    h("details", { open: wide || FILTERS.slice(FIRST).some(isSet) }, h("summary", "More filters"),
      h("div.grid", type, input("record", "Record", "type/id"), user, select("code", "Answer", CODES),
        moment("since", "Since"), moment("until", "Until"))),
    clear);
  clear.hidden = !FILTERS.some(isSet);

  function apply() {
    const given = new FormData(form);
    const wanted = Object.fromEntries(FILTERS.map((name) => {
      const text = (given.get(name) ?? "").trim();
      return [name, TIMES.includes(name) ? fromInput(text) : text];
    }));
    clear.hidden = Object.values(wanted).every((value) => value === "");
    changed(wanted);
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
  form.addEventListener("reset", (event) => {
    // To nothing, and not to what stood in the address when the page was opened.
    event.preventDefault();
    for (const element of form.elements) if (element.name) element.value = "";
    apply();
    form.elements.status.focus();
  });
  return form;
}
