// Logging in with a token.

import { api } from "/static/api.js";
import { fill, h } from "/static/h.js";

export function loginPage(main, why, loggedIn) {
  document.title = "Log in · Lull";
  const wrong = h("p.wrong", { id: "wrong", role: "alert" });
  const input = h("input", {
    type: "password", name: "token", required: true, autocomplete: "current-password",
    "aria-describedby": "wrong", spellcheck: "false",
  });
  const form = h("form.card.login",
    h("h1", "Log in"),
    why ? h("p", why) : null,
    h("label.field", h("span", "Token"), input, wrong),
    h("p.buttons", h("button.main", "Log in")),
    h("p.quiet", "The first start wrote one to the file ", h("code", "admin-token"),
      " in the data folder; every start prints a link that works once."));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    fill(wrong);
    try {
      await api.post("/session", { token: input.value.trim() });
      input.value = "";
      await loggedIn();
    } catch (problem) {
      fill(wrong, problem.message);
      input.focus();
    }
  });
  fill(main, form);
  input.focus();
}
