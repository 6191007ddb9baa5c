// What runs and what waits, whoever has asked for it, each to be called off.

import { element } from "../element.js";
import { icon } from "../icons.js";
import { duration, text } from "../texts.js";

export function queueList(app) {
  const running = element("ul", { class: "lines" });
  const waiting = element("ol", { class: "lines" });
  const root = element("section", { class: "card part", "aria-labelledby": "queue-title" },
    element("h2", { id: "queue-title" }, text("system.queue")), running, waiting);

  async function look() {
    const { current, pending } = await app.api.get("tasks?page_size=1");
    running.replaceChildren(...(current.length ? current.map(runs) : [element("li", { class: "faint" }, text("system.idle"))]));
    waiting.replaceChildren(...pending.map(waits));
    waiting.hidden = pending.length === 0;
  }

  function runs(task) {
    const bar = element("progress", { max: 100, value: task.progress, "aria-label": text("task.progress") });
    return line(task, element("div", { class: "grow" }, words(task), bar), element("small", { class: "numbers" }, `${task.progress} %`));
  }

  function waits(task) {
    const wait = task.estimated_wait_mills > 0 ? text("task.wait", { time: duration(task.estimated_wait_mills) }) : "";
    return line(task, element("div", { class: "grow" }, words(task), element("small", { class: "faint" }, wait)));
  }

  function words(task) {
    return element("p", { class: "one-line" }, task.req_params.prompt?.trim() || text(`kinds.${task.effective_params.task}`));
  }

  function line(task, ...parts) {
    const label = text("system.cancel");
    const cancel = element("button", { class: "icon", "aria-label": label, title: label, onclick: () => callOff(task.task_id) }, icon("close"));
    return element("li", { class: "row tight", dataset: { task: task.task_id } }, parts, cancel);
  }

  async function callOff(id) {
    try {
      await app.tasks.stop(id);
      await look();
    } catch (error) {
      app.notice(error.message, { kind: "error" });
    }
  }

  return { root, look };
}
