// The key, asked once: the server's cookie keeps the session from then on.

import { element } from "./element.js";
import { text } from "./texts.js";

let asking = null;

// Resolves once the server has taken a key; all who wait share one question.
export function logIn() {
  asking ??= new Promise((resolve) => show(resolve)).finally(() => (asking = null));
  return asking;
}

export async function logOut() {
  await fetch("logout", { method: "POST", redirect: "manual" });
  location.reload();
}

// Where no key is asked for, the login leads on at once.
export const keyNeeded = () => fetch("login", { redirect: "manual" }).then((answer) => answer.ok, () => false);

function show(done) {
  const key = element("input", {
    id: "login-key", type: "password", name: "apikey", autocomplete: "current-password", required: true, autofocus: true,
    "aria-describedby": "login-problem",
  });
  const problem = element("p", { id: "login-problem", class: "problem", role: "alert" });
  const button = element("button", { class: "primary" }, text("login.enter"));

  async function send(event) {
    event.preventDefault();
    button.disabled = true;
    try {
      const answer = await fetch("login", {
        method: "POST", redirect: "manual", body: new URLSearchParams({ apikey: key.value }),
      });
      if (answer.type !== "opaqueredirect") throw new Error(text(answer.status === 403 ? "login.wrong" : "login.failed"));
      box.remove();
      done();
    } catch (error) {
      problem.textContent = error instanceof TypeError ? text("app.unreachable") : error.message;
      key.select();
    } finally {
      button.disabled = false;
    }
  }

  const box = element(
    "dialog",
    { class: "ask", "aria-labelledby": "login-title", oncancel: (event) => event.preventDefault(), onclose: () => box.isConnected && box.showModal() },
    element("h2", { id: "login-title" }, text("login.title")),
    element("p", {}, text("login.words")),
    element(
      "form",
      { onsubmit: send },
      element("label", { for: "login-key" }, text("login.key")),
      key,
      problem,
      element("div", { class: "row end" }, button),
    ),
  );
  document.body.append(box);
  box.showModal();
}
