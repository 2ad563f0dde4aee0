// The form of an integration: what each kind needs. What is wrong with it, the server says; here it is
// shown at its place.

import { api } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { readSpec, showFaults, withoutOthers } from "/static/pages/integration_spec.js";
import { picker, PICKED } from "/static/pages/picker.js";
import * as router from "/static/router.js";

const KINDS = [
  ["activity", "Activity webhook", "Edits of records, collated when a record has been left alone."],
  ["security", "Security webhook", "Security events, each at once: to a SIEM. Of the whole account."],
  ["record", "Integration webhook", "Whole records of a workspace: when they are sent, and with every change from then on."],
];
const MODES = [
  ["collated", "Collated", "One message when the record has been left alone, naming everyone who edited it."],
  ["live", "Live", "Every edit at once, alone."],
  ["all", "Both", "Every edit at once, and the collated message."],
];
const LEVELS = [
  ["account", "The whole account", "Edits in every workspace, and in none."],
  ["workspace", "One workspace", "Its edits only; its owners may change the integration."],
];
const CHATS = ["aha", "slack", "teams", "google_chat", "discord"];
const BATCHED = ["ecs_bulk", "cef", "splunk_hec", "datadog", "syslog"];
const SIEMS = ["ocsf", "ecs", "ecs_bulk", "cef", "splunk_hec", "datadog", "syslog"];

export function integrationForm(found, { me, mayChange, etag, saved }) {
  const onlyOwner = me.roles.includes("owner") && !me.roles.includes("admin");
  const spec = found ?? {
    kind: "activity", enabled: true, collation: "collated", format: "audit", activities: [], users: [], actions: [],
    workspace_id: onlyOwner ? me.workspaces[0] : null, validate_certificate: true, collate_backlog: true, headers: {},
  };
  const kinds = KINDS.filter(([kind]) => (found ? kind === found.kind : !onlyOwner || kind !== "security"));
  const form = h("form", { novalidate: true });
  const rows = h("div");
  const wrong = (name) => h("p.wrong", { id: `wrong-${name}`, role: "alert" });
  const field = (name, label, input, hint = null) =>
    h("div.field", h("label", h("span", label), input), hint ? h("span.below", hint) : null, wrong(name));
  const text = (name, label, value, more = {}, hint = null) => field(name, label,
    h("input", { type: "text", name, value: value ?? "", "aria-describedby": `wrong-${name}`, ...more }), hint);
  const area = (name, label, value) => field(name, label, h("textarea.mono", { name, value: value ?? "" }));
  const select = (name, label, options, chosen) => field(name, label,
    h("select", { name }, options.map(([value, word]) => h("option", { value, selected: chosen === value }, word ?? value))));
  const check = (name, label, value) => h("p.field", h("label", h("input", { type: "checkbox", name, checked: value }), ` ${label}`));
  const radios = (name, legend, options, chosen) => h("fieldset.choices", h("legend.quiet", legend),
    options.map(([value, label, says]) => h("label.choice",
      h("input", { type: "radio", name, value, checked: chosen === value }),
      h("span", h("b", label), h("span.below", says)))));
  /** What only some kinds have. */
  const only = (which, ...content) => h("div", { "data-kinds": which }, content);

  const workspace = picker("workspace_id", "workspaces", spec.workspace_id ? [spec.workspace_id] : [], { single: true });
  const users = picker("users", "users", spec.users);
  const place = h("div.field", { "data-kinds": "activity record" }, h("span", "Workspace"), workspace.element);
  const levels = radios("level", "Whose edits", onlyOwner ? LEVELS.slice(1) : LEVELS, spec.workspace_id || onlyOwner ? "workspace" : "account");
  const addRow = (activity) => rows.append(activityRow(activity, () => changed()));
  spec.activities.forEach(addRow);

  fill(form,
    radios("kind", "What it sends", kinds, spec.kind),
    text("name", "Name", spec.name, { required: true, maxlength: "255" }),
    text("hook_url", "Hook URL", spec.hook_url, { type: "url", required: true, inputmode: "url" }),
    only("activity", levels), place, wrong("workspace_id"),
    only("activity record",
      h("h2", "Activities"),
      only("activity", h("p.quiet", "Alternatives: an edit is sent when one of them fits. None at all: every edit.")),
      only("record", h("p.quiet", "The record types that it takes. None at all: every type.")),
      rows, wrong("activities"),
      h("p", h("button", { type: "button", onclick: () => {
        addRow({});
        chooseKind();
        changed();
        rows.lastElementChild.querySelector("input")?.focus();
      } }, "Add activity"))),
    only("security",
      h("h2", "Which events"),
      text("actions", "Actions", (spec.actions ?? []).join(", "), { placeholder: "all" }, "Separated by commas: login.*, token.created. login.* is login and all that begins so."),
      select("outcome", "Outcome", [["", "any"], ["success"], ["failure"]], spec.outcome ?? ""),
      text("min_severity", "Severity at least", spec.min_severity ?? 0, { inputmode: "numeric" }, "From 0 to 10.")),
    only("activity security", h("div.field", h("span", "Only by these users"), users.element, h("span.below", "None: by everybody."), wrong("users"))),
    h("h2", "When and how"),
    only("activity", radios("collation", "Mode", MODES, spec.collation)),
    only("activity record",
      text("quiet_period", "Quiet period", spec.quiet_period, { placeholder: "the server's" }, "Like 30s or 5m."),
      text("max_wait", "Max wait", spec.max_wait, { placeholder: "the server's" }, "The longest it may take: off, or like 30m.")),
    only("activity security", select("format", "Format", ["audit", ...CHATS, ...SIEMS].map((name) => [name]), spec.format)),
    only("activity", check("include_record", "Send the whole record with the changes", spec.include_record)),
    only("security", h("p.field.batch", h("span", "Send together"), " up to ",
      h("input", { name: "batch_events", inputmode: "numeric", size: "4", "aria-label": "Events in a message", placeholder: "1", value: spec.batch?.max_events ?? "" }),
      " events, waiting up to ",
      h("input", { name: "batch_wait", size: "4", "aria-label": "Longest wait", placeholder: "5s", value: spec.batch?.max_wait ?? "" })), wrong("batch")),
    h("details", h("summary", "More"),
      text("timeout", "Timeout", spec.timeout, { placeholder: "15s" }),
      text("rate_limit", "Requests a second", spec.rate_limit, { inputmode: "numeric", placeholder: "no limit" }),
      text("max_in_flight", "Requests at once", spec.max_in_flight, { inputmode: "numeric", placeholder: "256" }),
      text("retry_schedule", "Retries after", (spec.retry_schedule ?? []).join(", "), { placeholder: "5s, 5m, 30m, 2h, 5h, 10h, 10h" }),
      area("headers", "Headers, one a line", Object.entries(spec.headers).map(([name, value]) => `${name}: ${value}`).join("\n")),
      area("ca_certificate", "Certificate authority (PEM)", spec.ca_certificate),
      area("client_certificate", "Client certificate and key (PEM)", spec.client_certificate),
      only("security", check("gzip", "Compress bodies (ecs_bulk, splunk_hec, datadog)", spec.gzip)),
      only("activity", check("collate_backlog", "What could not be delivered yet takes in what comes after it", spec.collate_backlog)),
      check("validate_certificate", "Check the hook's certificate", spec.validate_certificate)),
    check("enabled", "Enable", spec.enabled),
    wrong("all"),
    mayChange ? h("p.buttons", h("button.main", found ? "Save" : "Make")) : null);

  function chooseKind() {
    const kind = form.elements.kind.value;
    for (const part of form.querySelectorAll("[data-kinds]")) part.hidden = !part.dataset.kinds.split(" ").includes(kind);
    if (kind === "activity") place.hidden = form.elements.level.value === "account";
    form.querySelector(".batch").hidden = !BATCHED.includes(form.elements.format.value);
    for (const option of form.elements.format.options) option.hidden = kind === "security" && CHATS.includes(option.value);
  }
  form.addEventListener("change", chooseKind);
  chooseKind();
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
      const wanted = withoutOthers(readSpec(form, rows, workspace, users));
      const atWorkspace = wanted.kind === "record" || (wanted.kind === "activity" && form.elements.level.value === "workspace");
      if (wanted.workspace_id === null && atWorkspace) {
        showFaults(form, [{ pointer: "/workspace_id", message: wanted.kind === "record" ? "Choose a workspace." : "Choose a workspace, or the whole account." }]);
        return;
      }
      const made = found ? await api.patch(`/integrations/${found.id}`, wanted, etag) : await api.post("/integrations", wanted);
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
  const labels = { workspaces: "Workspaces", record_types: "Record types", fields: "Fields", exclude_fields: "Fields to leave out" };
  const sources = { workspaces: "workspaces", record_types: "record-types", fields: "fields", exclude_fields: "fields" };
  const pickers = Object.entries(sources).map(([name, source]) => [name, picker(name, source, activity[name] ?? [])]);
  const associated = h("input", { type: "checkbox", checked: activity.include_associated });
  const row = h("div.row", { role: "group", "aria-label": "Activity" },
    h("button.remove.small", { type: "button", "aria-label": "Remove this activity", onclick: () => { row.remove(); changed(); } }, "✕"),
    h("div.fields", pickers.map(([name, { element }]) =>
      h("div.field", { "data-kinds": name === "record_types" ? "activity record" : "activity" }, h("span", labels[name]), element))),
    h("label", { "data-kinds": "activity" }, associated, " also what is associated with them, like comments"),
    h("div.wrong", { role: "alert" }));
  row.read = () => ({ ...Object.fromEntries(pickers.map(([name, { values }]) => [name, values()])), include_associated: associated.checked });
  return row;
}
