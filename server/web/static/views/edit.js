// Edit: a picture in the middle, tools beside it, the words and Run beneath. The parts are in ../edit/.
import { adjust } from "../edit/adjust.js";
import { background } from "../edit/background.js";
import { bar, options } from "../edit/bar.js";
import { brush } from "../edit/brush.js";
import { click } from "../edit/click.js";
import { compare } from "../edit/compare.js";
import { Desk } from "../edit/desk.js";
import { fill } from "../edit/fill.js";
import { foot } from "../edit/foot.js";
import { isWriting, list, press, shortcuts } from "../edit/keys.js";
import { lasso } from "../edit/lasso.js";
import { outpaint } from "../edit/outpaint.js";
import { View } from "../edit/picture.js";
import { pointer } from "../edit/pointer.js";
import { rectangle } from "../edit/rectangle.js";
import { run } from "../edit/run.js";
import * as shape from "../edit/shape.js";
import { maskFrom } from "../edit/source.js";
import { actions, stage as makeStage } from "../edit/stage.js";
import { versions } from "../edit/versions.js";
import { words } from "../edit/words.js";

export function mount(root, app) {
  const { element } = app;
  const stage = makeStage(app, (file) => desk.open({ file }));
  const view = new View(stage.box);
  const desk = new Desk(app, view);
  const made = [click(desk, app), words(desk, app), background(desk, app), adjust(desk, app), outpaint(desk, app)];
  const drawn = [brush(desk, "brush"), brush(desk, "eraser"), lasso(desk), rectangle(desk), fill(desk)];
  for (const tool of [...drawn, ...made, { id: "hand", pans: true }]) desk.tools[tool.id] = tool;

  const strip = versions(desk, app);
  const split = compare(desk, app);
  const bottom = foot(desk, app, { start: () => runner.start(), stop: () => runner.stop() });
  const runner = run(desk, app, bottom.show);
  const table = shortcuts({ desk, view, run: () => runner.start(), compare: split, versions: strip, shape, prompt: bottom.prompt });
  const help = () => list(table, app);
  const hands = pointer(stage.box, stage.ring, desk);

  stage.box.append(...desk.tools.extend.handles, split.line);
  stage.follow(desk);
  view.moved = () => {
    for (const grip of desk.tools.extend.handles) grip.place();
    split.place();
    stage.moved(view);
  };
  desk.addEventListener("tool", () => {
    hands.cancel();
    hands.space(false);
  });
  desk.addEventListener("busy", () => {
    if (desk.locked) hands.hide();
    view.redraw();
  });
  const top = element("div", { class: "edit-top" }, options(desk, app), actions(desk, app, { strip, split, help, pick: stage.pick }));
  const middle = element("div", { class: "edit-middle" }, top, stage.box);
  root.append(element("h1", { class: "unseen" }, app.text("views.edit")), element("div", { class: "edit-desk" }, bar(desk, app), middle, strip.list), bottom.form);
  desk.choose("brush");
  desk.tell("version");

  let visible = false;
  listen(document, "keydown", keydown);
  listen(document, "keyup", (event) => event.code === "Space" && hands.space(false));
  listen(document, "paste", pasted);
  listen(window, "resize", place);
  listen(window, "pagehide", () => desk.flush());
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", dropped);
  new MutationObserver(() => view.redraw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });

  function listen(target, kind, work) {
    target.addEventListener(kind, (event) => visible && work(event));
  }

  function keydown(event) {
    if (document.querySelector("dialog[open]") || event.defaultPrevented) return;
    const writes = isWriting(event.target);
    if (event.key === "Escape") return void (desk.leave() || hands.cancel() || (view.before && split.end()));
    if (writes && !(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
    if (event.code === "Space" && !event.target.closest("button, a, summary, input")) {
      event.preventDefault();
      return void hands.space(true);
    }
    if (event.key === "?") return void help();
    if (hands.key(event) || press(table, event)) event.preventDefault();
  }

  function pasted(event) {
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
    if (file) desk.open({ file });
  }

  function dropped(event) {
    event.preventDefault();
    const file = [...event.dataTransfer.files].find((one) => one.type.startsWith("image/"));
    const url = event.dataTransfer.getData("text/uri-list").split("\n")[0];
    if (file) desk.open({ file });
    else if (/\/(outputs|inputs)\//.test(url)) desk.open({ url });
  }

  /** Let the view fill what the page's bar leaves of the window. */
  function place() {
    root.style.setProperty("--edit-top", `${root.getBoundingClientRect().top + scrollY}px`);
  }

  return {
    async show({ url, file, mask } = {}) {
      visible = true;
      place();
      await desk.restore();
      bottom.fill();
      runner.follow();
      if (url || file) await desk.open({ url, file });
      if (mask) await maskFrom(desk, app, mask);
    },
    hide() {
      visible = false;
    },
  };
}
