// Which page is shown: the whole state of a page is in its address.

let routes = [];
let leave = null;
let guard = null;
let show = () => {};

/** `pages` are [pattern, page]; a page is a function of (parameters, query) that is shown by `shown`. */
export function start(pages, shown) {
  routes = pages;
  show = shown;
  addEventListener("popstate", () => route());
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = !event.defaultPrevented && event.button === 0
      && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || link.target || link.origin !== location.origin) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  addEventListener("beforeunload", (event) => {
    if (guard?.()) event.preventDefault();
  });
}

export function go(path) {
  if (guard?.() && !confirm("Leave without saving what you changed?")) return;
  if (path !== location.pathname + location.search) history.pushState(null, "", path);
  route();
}

/** Puts the query into the address, without another page. */
export function replaceQuery(text) {
  history.replaceState(null, "", location.pathname + text);
}

/** Asked before the page is left: whether something would be lost. */
export function askBeforeLeaving(wouldLose) {
  guard = wouldLose;
}

export function route() {
  leave?.();
  leave = guard = null;
  const path = location.pathname.replace(/\/+$/, "") || "/";
  for (const [pattern, page] of routes) {
    const parameters = match(pattern, path);
    if (parameters) {
      leave = show(page, parameters, new URLSearchParams(location.search)) ?? null;
      return;
    }
  }
  leave = show(null, [], new URLSearchParams()) ?? null;
}

/** The parts of the path that stand where the pattern has a colon. */
function match(pattern, path) {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  if (wanted.length !== given.length) return null;
  const parameters = [];
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith(":")) parameters.push(decodeURIComponent(given[index]));
    else if (part !== given[index]) return null;
  }
  return parameters;
}
