// Calling the API. These pages can do nothing that its other clients cannot.

/** What the server refused, or that it did not answer at all (status 0). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? "the server does not answer");
    this.status = status;
    this.type = body.type ?? "";
    this.errors = body.errors ?? [];
    this.requestId = body.request_id ?? null;
    this.retryAfter = body.retryAfter ?? null;
  }
}

/** Who is told when the session has ended. */
let onSignedOut = () => {};
export function whenSignedOut(tell) {
  onSignedOut = tell;
}

async function call(method, path, { body, headers, signal } = {}) {
  const request = { method, headers: { ...headers }, signal, cache: "no-store" };
  if (body !== undefined) {
    request.headers["content-type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(`/api/v1${path}`, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {});
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = text === "" ? null : JSON.parse(text);
  } catch {
    answer = { detail: `the server answered ${response.status}` };
  }
  if (response.ok) return { answer, etag: response.headers.get("etag") };
  if (response.status === 401 && path !== "/session") onSignedOut();
  throw new Problem(response.status, { ...answer, retryAfter: response.headers.get("retry-after") });
}

export const api = {
  get: async (path, options) => (await call("GET", path, options)).answer,
  getWithEtag: (path, options) => call("GET", path, options),
  post: async (path, body, options) => (await call("POST", path, { ...options, body })).answer,
  patch: async (path, body, etag) =>
    (await call("PATCH", path, { body, headers: etag ? { "if-match": etag } : {} })).answer,
  delete: async (path) => (await call("DELETE", path)).answer,
};

/** A query string of what is set. */
export function query(values) {
  const set = Object.entries(values).filter(([, value]) => value !== "" && value != null);
  const text = new URLSearchParams(set).toString();
  return text === "" ? "" : `?${text}`;
}

/** How paths name a record. */
export function recordPath(record) {
  return `${encodeURIComponent(record.type)}/${encodeURIComponent(record.id)}`;
}
