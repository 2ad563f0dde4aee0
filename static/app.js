// The start: who is here, the bar at the top, and which page stands for which address.

import { api, whenSignedOut } from "/static/api.js";
import { announce, fill, h } from "/static/h.js";
import { integrationLogPage } from "/static/pages/integration_log.js";
import { integrationPage, integrationsPage } from "/static/pages/integrations.js";
import { loginPage } from "/static/pages/login.js";
import { messagePage } from "/static/pages/message.js";
import { messagesPage } from "/static/pages/messages.js";
import { recordPage } from "/static/pages/record.js";
import { settingsPage } from "/static/pages/settings.js";
import { windowsPage } from "/static/pages/windows.js";
import * as router from "/static/router.js";
import { button, empty } from "/static/ui.js";

const PAGES = [
  ["/", messagesPage],
  ["/messages/:id", messagePage],
  ["/records", windowsPage],
  ["/records/:type/:id", recordPage],
  ["/integrations", integrationsPage],
  ["/integrations/:id", integrationPage],
  ["/integrations/:id/log", integrationLogPage],
  ["/settings", settingsPage],
];

const NAVIGATION = [
  ["/", "Messages", ["admin", "owner", "viewer"]],
  ["/records", "Open windows", ["admin", "owner", "viewer"]],
  ["/integrations", "Integrations", ["admin", "owner", "viewer"]],
  ["/settings", "Settings", ["admin", "owner", "viewer", "operator"]],
];

/** Who is logged in: set once the server has said so. */
let me = null;

function top() {
  const bar = document.getElementById("top");
  if (!me) return fill(bar);
  const here = location.pathname;
  const isHere = (path) => partOf(here) === path;
  const links = NAVIGATION.filter(([, , roles]) => mayUse(roles));
  fill(bar, h("nav", { "aria-label": "Main" },
    h("a", { href: "/", class: "name" }, "Lull"),
    links.map(([path, label]) =>
      h("a", { href: path, "aria-current": isHere(path) ? "page" : null }, label)),
    h("span", { class: "who" },
      h("span", { class: "quiet", title: me.roles.join(", ") },
        me.account === "default" ? me.token.name : `${me.token.name} · ${me.account}`),
      button("Log out", logOut, { class: "small" }))));
}

function mayUse(roles) {
  return roles.some((role) => me.roles.includes(role));
}

/** The part of the navigation that an address is in. */
function partOf(path) {
  return NAVIGATION.map(([start]) => start).findLast((start) => path.startsWith(start) && start !== "/") ?? "/";
}

async function logOut() {
  await api.delete("/session").catch(() => {});
  signedOut("You are logged out.");
}

function signedOut(why) {
  if (!me && document.querySelector(".login")) return;
  me = null;
  top();
  const main = document.getElementById("main");
  loginPage(main, why, async () => {
    me = await api.get("/session");
    router.route();
  });
}

function show(page, parameters, search) {
  top();
  const main = document.getElementById("main");
  fill(main);
  if (!page) {
    document.title = "Not found · Lull";
    fill(main, h("h1", { class: "unseen" }, "Not found"), empty("There is nothing here", h("p", null, h("a", { href: "/" }, "Go to the messages"))));
    return null;
  }
  const [, , roles] = NAVIGATION.find(([start]) => start === partOf(location.pathname));
  if (!mayUse(roles)) return refuse(main, roles);
  const { title, leave } = page(main, { me, parameters, search });
  document.title = `${title} · Lull`;
  announce(title);
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
  return leave;
}

/** Said to whoever has a token that reads nothing here, and where they may go instead. */
function refuse(main, roles) {
  const other = NAVIGATION.find(([, , their]) => mayUse(their));
  document.title = "Lull";
  fill(main, h("h1", { class: "unseen" }, "Not for this token"), empty("This token does not open this page",
    h("p", null, `It has the role ${me.roles.join(" and ")}; the page needs ${roles.join(", ")}.`),
    other ? h("p", null, h("a", { href: other[0] }, `Go to ${other[1].toLowerCase()}`))
      : h("p", null, "It can post audits, which is done with the API.")));
  return null;
}

async function start() {
  whenSignedOut(() => signedOut("The session has ended, or its token was revoked. Log in again."));
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code) {
    // Out of the address first: it is of no use twice.
    history.replaceState(null, "", location.pathname + location.search);
    const failed = await api.post("/session", { code }).then(() => null, (problem) => problem);
    if (failed && failed.status !== 401) return startLater();
  }
  try {
    me = await api.get("/session");
  } catch (problem) {
    if (problem.status !== 401) return startLater();
  }
  router.start(PAGES, show);
  if (me) router.route();
  else signedOut(code ? "The link is used up or too old. A token does it, too." : "");
}

function startLater() {
  fill(document.getElementById("main"),
    empty("The server does not answer", h("p", null, "Trying again in a few seconds.")));
  setTimeout(start, 3000);
}

start();
