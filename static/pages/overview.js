// How it went in the last 24 hours, and what is owed now.

import { h } from "/static/h.js";
import { exact } from "/static/time.js";
import { time } from "/static/ui.js";

/** Each figure leads to the messages that it counts. `hours` are those of the account. */
export function figures(stats, hours) {
  if (!stats) return null;
  const { owed, integrations, messages } = stats;
  const of = (key) => hours?.reduce((sum, hour) => sum + hour[key], 0);
  const figure = (number, label, href, kind = "") => number === undefined ? null
    : h("li", { class: number > 0 ? kind : "" }, h("a", { href }, h("b", number.toLocaleString("en")), label));
  return h("ul.figures",
    figure(owed, "waiting", "/?status=pending"),
    figure(integrations.failing, integrations.failing === 1 ? "integration failing" : "integrations failing", "/integrations", "bad"),
    figure(of("delivered"), "delivered, 24 h", "/?status=delivered"),
    figure(of("failed"), "failed, 24 h", "/?status=failed", "bad"),
    messages?.oldest_owed_at ? h("li", h("a", { href: "/?status=pending" }, h("b", time(messages.oldest_owed_at)), "oldest waiting")) : null);
}

/** A bar an hour, what failed (striped) on top of what was delivered. */
export function bars(hours) {
  const most = Math.max(1, ...hours.map((hour) => hour.delivered + hour.failed));
  const [width, height] = [24, 44];
  const total = (key) => hours.reduce((sum, hour) => sum + hour[key], 0);
  const label = `The last 24 hours: ${total("delivered")} delivered, ${total("failed")} failed`;
  return h("figure.day",
    h("svg:svg.bars", { role: "img", "aria-label": label, viewBox: `0 0 ${24 * width} ${height}`, preserveAspectRatio: "none" },
      h("svg:defs", h("svg:pattern", { id: "stripes", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        h("svg:rect.bad", { width: 6, height: 6 }), h("svg:rect.gap", { width: 2, height: 6 }))),
      hours.map((hour, index) => {
        const [good, bad] = [hour.delivered, hour.failed].map((count) => (count / most) * (height - 4));
        const bar = (kind, y, tall) => tall > 0
          ? h("svg:rect", { class: kind, x: index * width + 2, y, width: width - 4, height: Math.max(tall, 1.5) }) : null;
        return h("svg:g", h("svg:title", `${exact(hour.at)}: ${hour.delivered} delivered, ${hour.failed} failed`),
          h("svg:rect.hour", { x: index * width, y: 0, width, height }),
          h("svg:rect.ground", { x: index * width + 2, y: height - 1.5, width: width - 4, height: 1.5 }),
          bar("good", height - good, good), bar("striped", height - good - bad, bad));
      })),
    h("figcaption", h("span", "24 hours ago"), h("span", `at most ${most.toLocaleString("en")} an hour`), h("span", "now")));
}
