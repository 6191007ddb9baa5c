// Short notices at the edge of the page; errors stay until they are closed.

import { element } from "./element.js";
import { icon } from "./icons.js";
import { text } from "./texts.js";

const SHOWN_MS = 5000;
const list = element("div", { class: "notices", role: "status", "aria-live": "polite" });

export function notices() {
  return list;
}

// kind: "info", "good" or "error". action: { label, run } for a button in it.
export function notice(words, { kind = "info", action = null } = {}) {
  const close = () => shown.remove();
  const shown = element(
    "div",
    { class: `notice ${kind}`, role: kind === "error" ? "alert" : null },
    element("p", {}, words),
    action && element("button", { class: "quiet", onclick: () => (close(), action.run()) }, action.label),
    element("button", { class: "icon", "aria-label": text("app.close"), onclick: close }, icon("close")),
  );
  list.append(shown);
  if (kind !== "error") setTimeout(close, SHOWN_MS);
}
