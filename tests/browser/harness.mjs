// The real executable, a receiver of webhooks, and Chromium looking at the pages.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const EXECUTABLE = process.env.LULL ?? "target/debug/lull";
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** How long anything that must happen may take. Generous: machines that run tests are slow at times. */
export const PATIENCE = 20_000;

/** A server on a fresh folder (or the one given), with the login link that it printed. */
export async function startServer({ quiet = "2s", folder = null, port = 0 } = {}) {
  const data = folder ?? await mkdtemp(join(tmpdir(), "lull-browser-"));
  const child = spawn(EXECUTABLE, ["--listen", `127.0.0.1:${port}`, "--quiet-period", quiet, "--data", join(data, "data"),
    "--allow-nets", "127.0.0.0/8"], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, RUST_LOG: "warn" } });
  let [base, link, token] = [null, null, null];
  for await (const line of createInterface({ input: child.stdout })) {
    base ??= line.match(/listens on (http:\S+)/)?.[1];
    link ??= line.match(/(http:\S+#code=\S+)/)?.[1];
    token ??= line.match(/(lull_\S+)/)?.[1];
    if (line.includes("/api/v1/audits")) break;
  }
  child.stdout.resume();
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const call = async (method, path, body) => {
    const response = await fetch(`${base}/api/v1${path}`, {
      method, body: body === undefined ? undefined : JSON.stringify(body),
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  };
  return {
    base, link, token, folder: data, call,
    async stop({ keep = false } = {}) {
      child.kill("SIGTERM");
      await ended;
      if (!keep) await rm(data, { recursive: true, force: true });
    },
  };
}

/** A hook that answers as it is told, and keeps what came. */
export async function startReceiver() {
  const received = [];
  const answers = { code: 200, body: "thanks" };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => { body += chunk; });
    request.on("end", () => {
      received.push({ headers: request.headers, body });
      response.writeHead(answers.code, { "content-type": "text/plain" }).end(answers.body);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/hook`, received, answers,
    stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }),
  };
}

/** Chromium; each page reports what it should not have done. */
export async function startBrowser() {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  return {
    async open(base, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
      context.setDefaultTimeout(PATIENCE);
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: base });
      const page = await context.newPage();
      const faults = [];
      page.on("console", (message) => {
        // What the browser itself says of an answer that is no success is not the page's doing.
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(message.text());
      });
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("request", (request) => {
        if (!request.url().startsWith(base) && !request.url().startsWith("data:")) faults.push(`asked ${request.url()}`);
      });
      return { page, context, faults };
    },
    stop: () => browser.close(),
  };
}

/** An edit of a record. */
export function edit(record, user, changes, more = {}) {
  return {
    audit_action: "update", auditable_type: "feature", auditable_id: record,
    user: { id: user.toLowerCase(), name: user, email: `${user.toLowerCase()}@example.com` },
    description: `updated feature APP-${record}`, auditable_url: `https://app.example.com/features/APP-${record}`,
    changes: Object.entries(changes).map(([field_name, value]) => ({ field_name, value })), ...more,
  };
}

export async function eventually(what, ask) {
  const until = Date.now() + PATIENCE;
  while (Date.now() < until) {
    const found = await ask();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`in vain: ${what}`);
}

/** Logs in with a token, where nobody is yet; a token that reads nothing is shown no page. */
export async function logIn(page, server, token = server.token) {
  await page.goto(server.base);
  const input = page.getByLabel("Token");
  await input.or(page.locator("h1")).first().waitFor();
  if (await input.isVisible()) {
    await input.fill(token);
    await page.getByRole("button", { name: "Log in" }).click();
  }
  await page.getByRole("button", { name: "Log out" }).waitFor();
}

/** An integration to `url`; the answer to making it. */
export function integrate(server, url, more = {}) {
  return server.call("POST", "/integrations", { name: "Team chat", kind: "activity", hook_url: url, ...more });
}

/** Waits until a message of this kind is there, and answers it. */
export function message(server, query) {
  return eventually(`a message with ${query}`, async () => (await server.call("GET", `/messages?${query}`)).items[0]);
}

/** Server, receiver and browser for the tests of a file, with one integration if it is wanted. */
export async function setUp({ quiet = "1s", integration = {} } = {}) {
  const [browser, server, receiver] = await Promise.all([startBrowser(), startServer({ quiet }), startReceiver()]);
  const chat = integration ? await integrate(server, receiver.url, integration) : null;
  return {
    browser, server, receiver, chat,
    async stop() {
      await browser.stop();
      await receiver.stop();
      // Not the one that was started first: a test may have put another in its place.
      await this.server.stop();
    },
  };
}
