// Which page is shown: the whole state of a page is in its address.

let routes = [];
let leave = null;
let guard = null;
let show = () => {};
/** The address of the page that is shown. */
let here = "";

/** `pages` are [pattern, page]; a page is a function of (parameters, query) that is shown by `shown`. */
export function start(pages, shown) {
  routes = pages;
  show = shown;
  addEventListener("popstate", () => {
    if (mayLeave()) route();
    // The browser has gone already: back to where something would be lost.
    else history.pushState(null, "", here);
  });
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
  if (!mayLeave()) return;
  if (path !== location.pathname + location.search) history.pushState(null, "", path);
  route();
}

/** Puts the query into the address, without another page; going back leads to the one before. */
export function pushQuery(text) {
  const path = location.pathname + text;
  if (path !== location.pathname + location.search) history.pushState(null, "", path);
  here = path;
}

function mayLeave() {
  return !guard?.() || confirm("Leave without saving what you changed?");
}

/** Asked before the page is left: whether something would be lost. */
export function askBeforeLeaving(wouldLose) {
  guard = wouldLose;
}

export function route() {
  leave?.();
  leave = guard = null;
  here = location.pathname + location.search;
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
    if (part.startsWith(":")) {
      try {
        parameters.push(decodeURIComponent(given[index]));
      } catch {
        return null;
      }
    } else if (part !== given[index]) return null;
  }
  return parameters;
}
