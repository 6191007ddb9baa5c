// One task: where it stands while it waits, what is painted while it runs, and what came of it.

import { element } from "../element.js";
import { icon } from "../icons.js";
import { lightbox } from "../shared/lightbox.js";
import { pictureActions } from "../shared/actions.js";
import { again } from "../shared/restore.js";
import { duration, text } from "../texts.js";

const OPEN = ["waiting", "running"];

export function taskCard(id, app, changed) {
  const { api, tasks } = app;
  const root = element("article", { class: "task card", dataset: { task: id } });
  const words = element("p", { class: "words" });
  const putAway = element("button", {
    class: "icon", "aria-label": text("task.putAway"), title: text("task.putAway"), onclick: () => tasks.forget(id),
  }, icon("close"));
  const head = element("header", {}, words, putAway);
  const body = element("div", { class: "body" });
  const foot = element("footer", { class: "row" });
  root.append(head, body, foot);

  let told = null;
  let drawn = "";
  const live = liveParts(id, tasks, app);

  function show(news) {
    told = news;
    root.dataset.state = told.state;
    words.textContent = told.request?.prompt?.trim() || text(`kinds.${told.effective?.task ?? "text_to_image"}`);
    putAway.hidden = OPEN.includes(told.state);
    if (OPEN.includes(told.state)) {
      if (drawn !== "live") (body.replaceChildren(live.root), foot.replaceChildren(...live.buttons), (drawn = "live"));
      live.show(told);
    } else if (drawn !== "ended") (ended(), (drawn = "ended"));
    changed();
  }

  function ended() {
    body.replaceChildren(
      ...(told.state === "failed" ? [trouble(told.error)] : []),
      ...(told.state === "gone" ? [element("p", { class: "faint" }, text("task.gone"))] : []),
      ...(told.state === "stopped" && !told.results.length ? [element("p", { class: "faint" }, text("task.stopped"))] : []),
      told.results.length ? gallery() : "",
      told.warnings.length ? warnings(told.warnings) : "",
    );
    const took = told.ended > 0 && told.started > 0 ? duration(told.ended - told.started) : "";
    const facts = [told.effective?.width && `${told.effective.width}×${told.effective.height}`, took].filter(Boolean).join(" · ");
    const one = told.results.length === 1 ? picture(0) : null;
    foot.replaceChildren(
      element("small", { class: "faint numbers" }, facts),
      ...(one ? pictureActions(one, app, { few: true }) : []),
      ...(told.request && !one ? [element("button", { class: "quiet", onclick: () => again({ request: told.request, effective: told.effective }, app) }, icon("redo"), text("actions.again"))] : []),
    );
  }

  function picture(at) {
    const { effective, request, results, seeds } = told;
    return {
      url: results[at], task_id: id, seed: seeds[at], width: effective.width, height: effective.height, kind: effective.task,
      prompt: request.prompt, negative_prompt: request.negative_prompt, model: effective.checkpoint, made_at: told.ended,
    };
  }

  function gallery() {
    const all = told.results.map((_, at) => picture(at));
    return element("div", { class: `results ${all.length === 1 ? "one" : "many"}` }, all.map((one, at) =>
      element("button", { class: "shot", "aria-label": text("task.open", { number: at + 1 }), onclick: () => lightbox(all, at, app) },
        element("img", { src: api.here(one.url), alt: one.prompt || text("task.picture"), width: one.width, height: one.height }))));
  }

  const leave = tasks.watch(id, show);
  return { root, leave, state: () => told?.state, progress: () => told?.progress ?? 0 };
}

function liveParts(id, tasks, { notice }) {
  const image = element("img", { class: "preview", alt: text("task.preview"), hidden: true });
  const bar = element("progress", { max: 100, "aria-label": text("task.progress") });
  const line = element("p", { class: "small numbers", "aria-live": "off" });
  const act = (run) => () => run(id).catch((error) => notice(error.message, { kind: "error" }));
  const stop = element("button", { onclick: act(tasks.stop) }, icon("stop"), text("task.stop"));
  const skip = element("button", { onclick: act(tasks.skip) }, icon("skip"), text("task.skip"));

  function show(told) {
    const running = told.state === "running";
    skip.hidden = !running || told.images < 2;
    image.hidden = !told.preview;
    if (told.preview) image.src = told.preview;
    if (running) bar.value = told.progress;
    else bar.removeAttribute("value");
    bar.hidden = !running;
    line.textContent = running ? painting(told) : waiting(told);
  }

  return { root: element("div", { class: "live" }, image, bar, line), buttons: [stop, skip], show };
}

function painting({ step, steps, image, images, progress }) {
  if (!steps) return text("task.preparing");
  const where = images > 1 ? text("task.stepOf", { step, steps, image, images }) : text("task.step", { step, steps });
  return `${where} · ${progress} %`;
}

function waiting({ position, wait }) {
  const where = position ? text("task.position", { count: position }) : text("task.next");
  return wait > 0 ? `${where} · ${text("task.wait", { time: duration(wait) })}` : where;
}

function trouble(words) {
  return element("p", { class: "trouble" }, icon("warning"), element("span", {}, words || text("task.failed")));
}

export function warnings(list) {
  return element("details", { class: "warnings small" },
    element("summary", {}, text(list.length === 1 ? "task.warning" : "task.warnings", { count: list.length })),
    element("ul", {}, list.map((one) => element("li", {}, one))));
}
