// What lies in the device's memory, the one used last first.

import { element } from "../element.js";
import { text } from "../texts.js";
import { bytes } from "./bytes.js";

// ready(): whether the server can answer at all.
export function memoryList(app, { ready }) {
  const bar = element("progress", { "aria-label": text("system.memory") });
  const told = element("p", { class: "faint small numbers" });
  const list = element("ul", { class: "lines" });
  const free = element("button", { onclick: leave }, text("system.unload"));
  const root = element("section", { class: "card part", "aria-labelledby": "memory-title", hidden: true },
    element("div", { class: "row" }, element("h2", { id: "memory-title", class: "grow" }, text("system.memory")), free), bar, told, list);
  let asking = false;

  // Not waited for: while a task runs, the answer comes between two of its steps.
  function look() {
    if (asking || !ready()) return;
    asking = true;
    app.api.get("v1/engines/memory").then(show, () => {}).finally(() => (asking = false)); // 503 while models are loaded
  }

  function show({ device, used, limit, free: room, total, models, workers }) {
    root.hidden = false;
    bar.max = limit || total;
    bar.value = Math.min(used, bar.max);
    told.textContent = text("system.memoryWords", { device, used: bytes(used), free: bytes(room), total: bytes(total) });
    list.replaceChildren(...models.map((one) => element("li", { class: "row tight" },
      element("span", { class: "grow one-line", title: one.name }, one.name),
      workers.length > 1 && element("small", { class: "faint" }, `${workers[one.worker].device} (${one.worker})`),
      element("small", { class: "faint" }, text(`places.${one.place}`)),
      element("small", { class: "numbers" }, bytes(one.bytes)))));
    free.hidden = !models.some((one) => !one.in_use);
  }

  async function leave() {
    try {
      await app.api.post("v1/engines/unload", {});
    } catch (error) {
      app.notice(error.message, { kind: "error" });
    }
    look();
  }

  return { root, look };
}
