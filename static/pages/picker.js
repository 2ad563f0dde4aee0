// Choosing from what has been seen, or writing what has not.

import { api, query } from "/static/api.js";
import { fill, h } from "/static/h.js";

/** The event that a picker sends when its choice changes. */
export const PICKED = "picked";
let lists = 0;

let pressed = false;
addEventListener("mousedown", () => { pressed = true; }, true);
addEventListener("mouseup", () => { pressed = false; }, true);

/** At once; where the mouse is down, after its click: what appears must not push away what is being clicked. */
function afterClick(act) {
  if (pressed) addEventListener("mouseup", () => setTimeout(act), { once: true });
  else act();
}

/** `source` is users, record-types, fields or workspaces. */
export function picker(name, source, chosen, { single = false } = {}) {
  const values = [...chosen];
  const input = h("input", {
    type: "text", "aria-label": `Add to ${name.replaceAll("_", " ")}`, autocomplete: "off",
    "aria-describedby": `wrong-${name}`, placeholder: single ? "choose or write its id" : "any; choose or write to add",
  });
  const list = suggestFrom(input, source);
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
  input.addEventListener("change", () => afterClick(take));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || input.value.trim() === "") return;
    event.preventDefault();
    take();
  });
  draw();
  return { element, values: () => { take(); return [...values]; } };
}

/** Has the input suggest what was seen of `source`; answers the list, which must stand in the page. */
export function suggestFrom(input, source, valueOf = (item) => item.id ?? item.name) {
  const list = h("datalist", { id: `list-${lists += 1}` });
  input.setAttribute("list", list.id);
  let asked = null;
  async function suggest() {
    const text = input.value.trim();
    if (text === asked) return;
    asked = text;
    const filter = source === "workspaces" ? {} : { q: text };
    const page = await api.get(`/${source}${query({ ...filter, limit: 20 })}`).catch(() => ({ items: [] }));
    if (asked !== text) return;
    fill(list, page.items.map((item) => {
      const [value, name] = [valueOf(item), item.name];
      return h("option", { value, label: name && name !== value ? name : null }, value);
    }));
  }
  input.addEventListener("focus", suggest);
  input.addEventListener("input", suggest);
  return list;
}
