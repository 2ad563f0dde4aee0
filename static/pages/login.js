// Logging in with a token.

import { api } from "/static/api.js";
import { fill, h } from "/static/h.js";

export function loginPage(main, why, loggedIn) {
  document.title = "Log in · Lull";
  const wrong = h("p", { class: "wrong", id: "wrong", role: "alert" });
  const input = h("input", {
    type: "password", name: "token", required: true, autocomplete: "current-password",
    "aria-describedby": "wrong", spellcheck: "false",
  });
  const form = h("form", { class: "card login" },
    h("h1", null, "Log in"),
    why ? h("p", null, why) : null,
    h("label", { class: "field" }, h("span", null, "Token"), input, wrong),
    h("p", { class: "buttons" }, h("button", { class: "main" }, "Log in")),
    h("p", { class: "quiet" }, "The first start wrote one to the file ", h("code", null, "admin-token"),
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
