// What the form of an integration stands for, and where in it a fault is shown.

import { fill, h } from "/static/h.js";

/** Where a fault is shown whose place has no input of its own. */
const SHOWN_AT = ["activities", "headers", "retry_schedule", "users", "actions", "batch"];

/** What only some kinds have: to the others it is not even said. */
const OF_KINDS = {
  activity: ["workspace_id", "activities", "users", "collation", "collate_backlog", "include_record", "quiet_period", "max_wait", "format"],
  security: ["users", "actions", "outcome", "min_severity", "batch", "gzip", "format"],
  record: ["workspace_id", "activities", "quiet_period", "max_wait"],
};

/** The specification; empty inputs are null, which is the default. */
export function readSpec(form, rows, workspace, users) {
  const data = new FormData(form);
  const orNull = (name) => (data.get(name)?.trim() || null);
  const number = (name) => {
    const given = orNull(name);
    return given !== null && /^\d+$/.test(given) ? Number(given) : given;
  };
  const list = (name) => orNull(name)?.split(",").map((part) => part.trim()).filter(Boolean) ?? null;
  const pairs = (orNull("headers") ?? "").split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [name, ...value] = line.split(":");
    return [name.trim(), value.join(":").trim()];
  });
  const kind = data.get("kind");
  const record = ({ record_types }) => ({ record_types });
  const spec = {
    kind, name: data.get("name").trim(), hook_url: data.get("hook_url").trim(),
    workspace_id: kind === "activity" && data.get("level") === "account" ? null : workspace.values()[0] ?? null,
    activities: [...rows.children].map((row) => (kind === "record" ? record(row.read()) : row.read())), users: users.values(),
    collation: data.get("collation"), format: data.get("format"), quiet_period: orNull("quiet_period"), max_wait: orNull("max_wait"),
    actions: list("actions") ?? [], outcome: orNull("outcome"), min_severity: number("min_severity") ?? 0,
    batch: orNull("batch_events") ? { max_events: number("batch_events"), max_wait: orNull("batch_wait") ?? "5s" } : null,
    timeout: orNull("timeout"), rate_limit: number("rate_limit"), max_in_flight: number("max_in_flight"), retry_schedule: list("retry_schedule"),
    headers: Object.fromEntries(pairs), ca_certificate: orNull("ca_certificate"), client_certificate: orNull("client_certificate"),
  };
  for (const name of ["collate_backlog", "include_record", "gzip", "validate_certificate", "enabled"]) spec[name] = data.has(name);
  for (const name of ["timeout", "max_in_flight"]) if (spec[name] === null) delete spec[name];
  return spec;
}

/** Without what the kind does not have. */
export function withoutOthers(spec) {
  const own = OF_KINDS[spec.kind];
  const others = Object.values(OF_KINDS).flat().filter((name) => !own.includes(name));
  return Object.fromEntries(Object.entries(spec).filter(([name]) => !others.includes(name)));
}

/** Says each fault where it is. */
export function showFaults(form, faults) {
  for (const place of form.querySelectorAll(".wrong")) fill(place);
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  let first = null;
  for (const { pointer, message } of faults) {
    const row = form.querySelectorAll(".row")[/^\/activities\/(\d+)/.exec(pointer)?.[1]];
    if (row) {
      row.querySelector(".wrong").append(h("span.below", `${pointer.split("/").slice(3).join(" ").replaceAll("_", " ")} ${message}`));
      first ??= row.querySelector("input");
      continue;
    }
    const shownAt = SHOWN_AT.find((name) => pointer.startsWith(`/${name}`)) ?? pointer.slice(1);
    const place = form.querySelector(`#wrong-${CSS.escape(shownAt)}`) ?? form.querySelector("#wrong-all");
    const where = place.id === "wrong-all" && pointer ? `${pointer} ` : "";
    place.append(h("span.below", `${where}${message}`));
    const input = form.elements[shownAt];
    if (input instanceof HTMLElement) {
      input.setAttribute("aria-invalid", "true");
      input.closest("details")?.setAttribute("open", "");
      first ??= input;
    }
  }
  (first ?? form.querySelector(".wrong:not(:empty)"))?.focus?.();
}
