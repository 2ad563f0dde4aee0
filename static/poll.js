// Looking again now and then, while somebody is looking.

/**
 * Calls `look` at once and then every `seconds`; when it fails, again after a while that grows, and
 * `failed(problem, seconds)` is told until when. Ends when what it returns is called.
 */
export function poll(look, seconds, failed = () => {}) {
  let timer = null;
  let ended = false;
  let failures = 0;
  const abort = new AbortController();
  async function round() {
    clearTimeout(timer);
    if (ended) return;
    if (document.hidden) return;
    let wait = seconds;
    try {
      await look(abort.signal);
      if (failures > 0) failed(null, 0);
      failures = 0;
    } catch (problem) {
      if (ended || problem.name === "AbortError") return;
      failures += 1;
      wait = Math.min(30, 2 ** failures);
      failed(problem, wait);
    }
    if (!ended) timer = setTimeout(round, wait * 1000);
  }
  document.addEventListener("visibilitychange", round);
  round();
  return () => {
    ended = true;
    abort.abort();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", round);
  };
}

/** Calls `tick` every second until what it returns is called. */
export function everySecond(tick) {
  const timer = setInterval(tick, 1000);
  tick();
  return () => clearInterval(timer);
}
