// Questions over the page: the browser's own <dialog>, which keeps the focus and closes with Escape.

import { element } from "./element.js";
import { text } from "./texts.js";

// Resolves to whether the person said yes.
export function ask({ title, words, yes, danger = false }) {
  return new Promise((resolve) => {
    const box = element(
      "dialog",
      { class: "ask", "aria-label": title, onclose: () => (box.remove(), resolve(box.returnValue === "yes")) },
      element("h2", {}, title),
      element("p", {}, words),
      element(
        "form",
        { method: "dialog", class: "row end" },
        element("button", { value: "no", class: "quiet" }, text("app.cancel")),
        element("button", { value: "yes", class: danger ? "danger" : "primary", autofocus: true }, yes),
      ),
    );
    document.body.append(box);
    box.showModal();
  });
}
