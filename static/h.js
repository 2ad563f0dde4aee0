// Making elements. Text only ever becomes text nodes: what is shown comes from strangers.

/**
 * h("a.quiet", { href: "/x", onclick: f }, "text", child, [more]); without properties, h("p", "text").
 * Properties that are null, undefined or false are left out; true is the attribute alone.
 */
export function h(selector, properties, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const name of classes) element.classList.add(name);
  if (!isProperties(properties)) return append(element, [properties, ...children]);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "open") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  return append(element, children);
}

function isProperties(given) {
  return given !== null && typeof given === "object" && !Array.isArray(given) && !(given instanceof Node);
}

/** Puts these in place of all that is in the element. */
export function fill(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** Says something to whoever cannot see it happen. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
