// Is the server there? A bar says when it is not, and everything goes on when it is back.

import { element } from "./element.js";
import { pause } from "./pause.js";
import { text } from "./texts.js";

const EVERY_MS = 1500;

export function createConnection() {
  const bar = element("div", { class: "offline", role: "alert", hidden: true }, text("app.offline"));
  const listeners = new Set();
  let away = false;

  async function lost() {
    if (away) return;
    away = true;
    bar.hidden = false;
    while (!(await fetch("healthz").then((answer) => answer.ok, () => false))) await pause(EVERY_MS);
    away = false;
    bar.hidden = true;
    for (const listener of listeners) listener();
  }

  return { bar, lost, onBack: (listener) => listeners.add(listener) };
}
