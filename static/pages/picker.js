// Choosing from what has been seen, or writing what has not.

import { api, query } from "/static/api.js";
import { fill, h } from "/static/h.js";

/** The event that a picker sends when its choice changes. */
export const PICKED = "picked";
let lists = 0;

/** `source` is users, record-types, fields or workspaces. */
export function picker(name, source, chosen, { single = false } = {}) {
  const values = [...chosen];
  const list = h("datalist", { id: `list-${lists += 1}` });
  const input = h("input", {
    type: "text", list: list.id, "aria-label": `Add to ${name.replaceAll("_", " ")}`, autocomplete: "off",
    "aria-describedby": `wrong-${name}`, placeholder: single ? "the whole account" : "any",
  });
  const chips = h("span", { class: "buttons" });
  const element = h("span", null, chips, input, list);

  function draw() {
    fill(chips, values.map((value) => h("button", {
      type: "button", class: "small", "aria-label": `Remove ${value}`,
      onclick: () => { values.splice(values.indexOf(value), 1); draw(); input.focus(); tell(); },
    }, `${value} ✕`)));
    input.hidden = single && values.length > 0;
  }
  function tell() {
    element.dispatchEvent(new CustomEvent(PICKED, { bubbles: true }));
  }
  function take() {
    const value = input.value.trim();
    if (value === "") return;
    if (!values.includes(value)) values.push(value);
    input.value = "";
    draw();
    tell();
  }
  let asked = null;
  async function suggest() {
    const text = input.value.trim();
    if (text === asked) return;
    asked = text;
    const filter = source === "workspaces" ? {} : { q: text };
    const page = await api.get(`/${source}${query({ ...filter, limit: 20 })}`).catch(() => ({ items: [] }));
    if (asked !== text) return;
    fill(list, page.items.map((item) => {
      const value = item.id ?? item.name;
      return h("option", { value, label: item.id && item.name ? item.name : null }, value);
    }));
  }
  input.addEventListener("focus", suggest);
  input.addEventListener("input", suggest);
  input.addEventListener("change", take);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || input.value.trim() === "") return;
    event.preventDefault();
    take();
  });
  draw();
  return { element, values: () => { take(); return [...values]; } };
}
