// What runs, what waits, what lies in memory, and what the server paints with.

import { element } from "../element.js";
import { keyNeeded, logOut } from "../login.js";
import { memoryList } from "../system/memory.js";
import { presetList } from "../system/presets.js";
import { queueList } from "../system/queue.js";
import { text } from "../texts.js";

const EVERY_MS = 3000;

export function mount(root, app) {
  const state = element("p", { class: "state" });
  const problem = element("p", { class: "problem", role: "alert" });
  const parts = [queueList(app), memoryList(app, { ready: () => state.dataset.state === "ready" }), presetList(app, { again: () => look() })];
  const leave = element("button", { class: "quiet", onclick: logOut, hidden: true }, text("system.logOut"));
  keyNeeded().then((needed) => (leave.hidden = !needed));
  const foot = element("p", { class: "row small" },
    element("a", { href: "docs" }, text("system.manual")), element("a", { href: "outputs/" }, text("system.folders")),
    leave);
  root.append(element("h1", { class: "unseen" }, text("views.system")), state, problem,
    element("div", { class: "parts" }, parts.map((part) => part.root)), foot);

  let timer = 0;
  let visible = false;

  async function look() {
    clearTimeout(timer);
    if (!document.hidden) {
      try {
        await ready();
        await Promise.all(parts.map((part) => part.look()));
        problem.textContent = "";
      } catch (error) {
        problem.textContent = error.message;
      }
    }
    clearTimeout(timer);
    if (visible) timer = setTimeout(look, EVERY_MS);
  }

  async function ready() {
    const told = await fetch("readyz").then((answer) => answer.json(), () => null);
    if (!told) return;
    state.dataset.state = told.status;
    const broken = told.status === "ready" ? (told.workers ?? []).filter((one) => one.status === "broken") : [];
    const words = told.status === "ready" ? text("system.ready") : text("system.notReady", { why: told.reason });
    state.textContent = [words, ...broken.map((one) => `${one.device}: ${one.reason}`)].join(" ");
  }

  return {
    show() {
      visible = true;
      look();
    },
    hide() {
      visible = false;
      clearTimeout(timer);
    },
  };
}
