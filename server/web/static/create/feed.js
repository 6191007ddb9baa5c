// The tasks that this browser has asked for, the newest first; other tabs' come and go here, too.

import { element } from "../element.js";
import { text } from "../texts.js";
import { taskCard } from "./card.js";

const TITLE = "Gesso";

export function createFeed(app) {
  const { tasks } = app;
  const list = element("div", { class: "tasks" });
  const empty = element("div", { class: "empty" }, element("p", {}, text("create.empty")));
  const root = element("section", { class: "feed", "aria-label": text("create.tasks") }, empty, list);
  const cards = new Map();

  // A card for each task that is remembered, in order; those that are there stay as they are.
  function show() {
    const wanted = tasks.remembered.filter((one) => one.view !== "edit").map((one) => one.id);
    for (const [id, card] of cards) {
      if (!wanted.includes(id)) (card.leave(), card.root.remove(), cards.delete(id));
    }
    for (const id of wanted) if (!cards.has(id)) cards.set(id, taskCard(id, app, progress));
    wanted.forEach((id, at) => {
      const card = cards.get(id).root;
      if (list.children[at] !== card) list.insertBefore(card, list.children[at] ?? null);
    });
    empty.hidden = wanted.length > 0;
    progress();
  }

  // How far the one is that runs, in the browser's tab.
  function progress() {
    const running = [...cards.values()].find((card) => card.state() === "running");
    document.title = running ? `${running.progress()} % · ${TITLE}` : TITLE;
  }

  tasks.onChange(show);
  return {
    root,
    show,
    hide() {},
    scroll: () => innerWidth < 900 && list.firstElementChild?.scrollIntoView({ block: "start" }),
  };
}
