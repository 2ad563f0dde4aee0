// The form of an integration. What is wrong with it, the server says; here it is shown at its place.

import { api } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { picker, PICKED } from "/static/pages/picker.js";
import * as router from "/static/router.js";

const KINDS = [["activity", "Activity webhook", "Edits of records, collated when a record has been left alone."]];
const MODES = [
  ["collated", "Collated", "One message when the record has been left alone, naming everyone who edited it."],
  ["live", "Live", "Every edit at once, alone."],
  ["all", "Both", "Every edit at once, and the collated message."],
];
const LEVELS = [
  ["account", "The whole account", "Edits in every workspace, and in none."],
  ["workspace", "One workspace", "Its edits only; its owners may change the integration."],
];
const FORMATS = ["audit", "aha", "slack", "teams", "google_chat", "discord"];
/** Where a fault is shown whose place has no input of its own. */
const SHOWN_AT = [["/activities", "activities"], ["/headers", "headers"], ["/retry_schedule", "retry_schedule"], ["/users", "users"]];

export function integrationForm(found, { me, mayChange, etag, saved }) {
  const onlyOwner = me.roles.includes("owner") && !me.roles.includes("admin");
  const spec = found ?? {
    kind: "activity", enabled: true, collation: "collated", format: "audit", activities: [], users: [],
    workspace_id: onlyOwner ? me.workspaces[0] : null, validate_certificate: true, collate_backlog: true, headers: {},
  };
  const rows = h("div");
  const form = h("form", { novalidate: true });
  const wrong = (name) => h("p", { class: "wrong", id: `wrong-${name}`, role: "alert" });
  const field = (name, label, input, hint = null) => h("div", { class: "field" },
    h("label", null, h("span", null, label), input), hint ? h("span", { class: "below" }, hint) : null, wrong(name));
  const text = (name, value, more = {}) =>
    h("input", { type: "text", name, value: value ?? "", "aria-describedby": `wrong-${name}`, ...more });
  const check = (name, label, value) => h("p", { class: "field" },
    h("label", null, h("input", { type: "checkbox", name, checked: value }), ` ${label}`));
  const radios = (name, legend, options, chosen) => h("fieldset", { class: "choices" },
    h("legend", { class: "quiet" }, legend),
    options.map(([value, label, says]) => h("label", { class: "choice" },
      h("input", { type: "radio", name, value, checked: chosen === value }),
      h("span", null, h("b", null, label), h("span", { class: "below" }, says)))));

  const workspace = picker("workspace_id", "workspaces", spec.workspace_id ? [spec.workspace_id] : [], { single: true });
  const users = picker("users", "users", spec.users);
  const levels = radios("level", "Whose edits", onlyOwner ? LEVELS.slice(1) : LEVELS, spec.workspace_id || onlyOwner ? "workspace" : "account");
  const place = h("div", { class: "field" }, h("span", null, "Workspace"), workspace.element);
  const chooseLevel = () => { place.hidden = form.elements.level.value === "account"; };
  levels.addEventListener("change", chooseLevel);
  const addRow = (activity) => rows.append(activityRow(activity, () => changed()));
  spec.activities.forEach(addRow);

  fill(form,
    radios("kind", "What it sends", KINDS, spec.kind),
    field("name", "Name", text("name", spec.name, { required: true, maxlength: "255" })),
    field("hook_url", "Hook URL", text("hook_url", spec.hook_url, { type: "url", required: true, inputmode: "url" })),
    levels, place, wrong("workspace_id"),
    h("h2", null, "Activities"),
    h("p", { class: "quiet" }, "Alternatives: an edit is sent when one of them fits. None at all: every edit."),
    rows, wrong("activities"),
    h("p", null, h("button", { type: "button", onclick: () => {
      addRow({});
      changed();
      rows.lastElementChild.querySelector("input")?.focus();
    } }, "Add activity")),
    h("div", { class: "field" }, h("span", null, "Only edits by these users"), users.element,
      h("span", { class: "below" }, "None: by everybody."), wrong("users")),
    h("h2", null, "When and how"),
    radios("collation", "Mode", MODES, spec.collation),
    field("quiet_period", "Quiet period", text("quiet_period", spec.quiet_period, { placeholder: "the server's" }), "Like 30s or 5m."),
    field("max_wait", "Max wait", text("max_wait", spec.max_wait, { placeholder: "the server's" }), "The longest a window may last: off, or like 30m."),
    field("format", "Format", h("select", { name: "format" }, FORMATS.map((name) =>
      h("option", { value: name, selected: spec.format === name }, name)))),
    h("details", null, h("summary", null, "More"),
      field("timeout", "Timeout", text("timeout", spec.timeout, { placeholder: "15s" })),
      field("rate_limit", "Requests a second", text("rate_limit", spec.rate_limit, { inputmode: "numeric", placeholder: "no limit" })),
      field("max_in_flight", "Requests at once", text("max_in_flight", spec.max_in_flight, { inputmode: "numeric", placeholder: "256" })),
      field("retry_schedule", "Retries after", text("retry_schedule", (spec.retry_schedule ?? []).join(", "), { placeholder: "5s, 5m, 30m, 2h, 5h, 10h, 10h" })),
      field("headers", "Headers, one a line", h("textarea", { name: "headers", class: "mono", value: Object.entries(spec.headers).map(([name, value]) => `${name}: ${value}`).join("\n") })),
      field("ca_certificate", "Certificate authority (PEM)", h("textarea", { name: "ca_certificate", class: "mono", value: spec.ca_certificate ?? "" })),
      field("client_certificate", "Client certificate and key (PEM)", h("textarea", { name: "client_certificate", class: "mono", value: spec.client_certificate ?? "" })),
      check("collate_backlog", "What could not be delivered yet takes in what comes after it", spec.collate_backlog),
      check("validate_certificate", "Check the hook's certificate", spec.validate_certificate)),
    check("enabled", "Enable", spec.enabled),
    wrong("all"),
    mayChange ? h("p", { class: "buttons" }, h("button", { class: "main" }, found ? "Save" : "Make")) : null);
  chooseLevel();
  if (!mayChange) for (const input of form.querySelectorAll("input, select, textarea, button")) input.disabled = true;

  let dirty = false;
  const changed = () => { dirty = true; };
  form.addEventListener("input", changed);
  form.addEventListener(PICKED, changed);
  router.askBeforeLeaving(() => dirty);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    showFaults(form, []);
    try {
      const wanted = read(form, rows, workspace, users);
      if (wanted.workspace_id === null && form.elements.level.value === "workspace") {
        showFaults(form, [{ pointer: "/workspace_id", message: "Choose a workspace, or the whole account." }]);
        return;
      }
      const made = found
        ? await api.patch(`/integrations/${found.id}`, wanted, etag)
        : await api.post("/integrations", wanted);
      dirty = false;
      await saved(made);
    } catch (problem) {
      const own = problem.status === 412
        ? [{ pointer: "", message: "Somebody else changed it meanwhile. Load the page again to see how." }]
        : problem.errors;
      showFaults(form, own?.length > 0 ? own : [{ pointer: "", message: problem.message }]);
    }
  });
  return form;
}

function activityRow(activity, changed) {
  const pickers = {
    workspaces: picker("workspaces", "workspaces", activity.workspaces ?? []),
    record_types: picker("record_types", "record-types", activity.record_types ?? []),
    fields: picker("fields", "fields", activity.fields ?? []),
    exclude_fields: picker("exclude_fields", "fields", activity.exclude_fields ?? []),
  };
  const labels = { workspaces: "Workspaces", record_types: "Record types", fields: "Fields", exclude_fields: "Fields to leave out" };
  const associated = h("input", { type: "checkbox", checked: activity.include_associated });
  const row = h("div", { class: "row", role: "group", "aria-label": "Activity" },
    h("button", { type: "button", class: "remove small", "aria-label": "Remove this activity", onclick: () => { row.remove(); changed(); } }, "✕"),
    h("div", { class: "fields" }, Object.entries(pickers).map(([name, { element }]) =>
      h("div", { class: "field" }, h("span", null, labels[name]), element))),
    h("label", null, associated, " also what is associated with them, like comments"),
    h("div", { class: "wrong", role: "alert" }));
  row.read = () => ({
    ...Object.fromEntries(Object.entries(pickers).map(([name, { values }]) => [name, values()])),
    include_associated: associated.checked,
  });
  return row;
}

/** The specification that the form stands for; empty inputs are null, which is the default. */
function read(form, rows, workspace, users) {
  const data = new FormData(form);
  const orNull = (name) => (data.get(name)?.trim() || null);
  const number = (name) => {
    const given = orNull(name);
    return given !== null && /^\d+$/.test(given) ? Number(given) : given;
  };
  const list = orNull("retry_schedule");
  const headers = orNull("headers");
  const pairs = (headers ?? "").split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [name, ...value] = line.split(":");
    return [name.trim(), value.join(":").trim()];
  });
  const spec = {
    kind: data.get("kind"), name: data.get("name").trim(), hook_url: data.get("hook_url").trim(),
    workspace_id: data.get("level") === "account" ? null : workspace.values()[0] ?? null, activities: [...rows.children].map((row) => row.read()),
    users: users.values(), collation: data.get("collation"), format: data.get("format"),
    quiet_period: orNull("quiet_period"), max_wait: orNull("max_wait"), timeout: orNull("timeout"),
    rate_limit: number("rate_limit"), max_in_flight: number("max_in_flight"),
    retry_schedule: list ? list.split(",").map((wait) => wait.trim()) : null,
    headers: Object.fromEntries(pairs), ca_certificate: orNull("ca_certificate"), client_certificate: orNull("client_certificate"),
    collate_backlog: data.has("collate_backlog"), validate_certificate: data.has("validate_certificate"), enabled: data.has("enabled"),
  };
  for (const name of ["timeout", "max_in_flight"]) if (spec[name] === null) delete spec[name];
  return spec;
}

function showFaults(form, faults) {
  for (const place of form.querySelectorAll(".wrong")) fill(place);
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  let first = null;
  for (const { pointer, message } of faults) {
    const row = form.querySelectorAll(".row")[/^\/activities\/(\d+)/.exec(pointer)?.[1]];
    if (row) {
      row.querySelector(".wrong").append(h("span", { class: "below" }, `${pointer.split("/").slice(3).join(" ").replaceAll("_", " ")} ${message}`));
      first ??= row.querySelector("input");
      continue;
    }
    const shownAt = SHOWN_AT.find(([prefix]) => pointer.startsWith(prefix))?.[1] ?? pointer.slice(1);
    const place = form.querySelector(`#wrong-${CSS.escape(shownAt)}`) ?? form.querySelector("#wrong-all");
    const where = place.id === "wrong-all" && pointer ? `${pointer} ` : "";
    place.append(h("span", { class: "below" }, `${where}${message}`));
    const input = form.elements[shownAt];
    if (input instanceof HTMLElement) {
      input.setAttribute("aria-invalid", "true");
      input.closest("details")?.setAttribute("open", "");
      first ??= input;
    }
  }
  (first ?? form.querySelector(".wrong:not(:empty)"))?.focus?.();
}
