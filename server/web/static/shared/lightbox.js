// A picture as large as the window, what made it, and what can be done with it. Arrow keys go on to the next.

import { element } from "../element.js";
import { icon } from "../icons.js";
import { text } from "../texts.js";
import { pictureActions, menu } from "./actions.js";
import { asCurl, asPython } from "./commands.js";
import { facts } from "./facts.js";
import { requestOf } from "./restore.js";

// pictures: as the search tells them. remove(picture): resolves to whether it was deleted. more(): resolves to whether
// there are others after the last one.
export function lightbox(pictures, at, app, { remove = null, more = async () => false } = {}) {
  const image = element("img", { class: "large" });
  const side = element("aside", { class: "side", tabindex: "0", "aria-label": text("lightbox.facts") });
  const before = step("left", "lightbox.newer", -1);
  const after = step("right", "lightbox.older", 1);
  const box = element(
    "dialog",
    { class: "lightbox", "aria-label": text("lightbox.title"), onclose: () => box.remove() },
    element("div", { class: "stage", tabindex: "-1", autofocus: true }, before, image, after),
    side,
    element("button", { class: "icon shut", "aria-label": text("app.close"), onclick: () => box.close() }, icon("close")),
  );
  box.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, details[open]")) return;
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
    if (event.key === "Delete" && remove) drop();
  });

  function step(sign, label, by) {
    return element("button", { class: "icon step", "aria-label": text(label), onclick: () => move(by) }, icon(sign));
  }

  async function move(by) {
    if (at + by >= pictures.length && !(await more())) return;
    if (at + by < 0) return;
    at += by;
    show();
  }

  async function drop() {
    if (!(await remove(pictures[at]))) return;
    pictures = pictures.filter((one) => one.task_id !== pictures[at].task_id);
    at = Math.min(at, pictures.length - 1);
    if (pictures.length) show();
    else box.close();
  }

  async function copy(write) {
    try {
      const { request } = await requestOf(pictures[at], app.api);
      await navigator.clipboard.writeText(write(request));
      app.notice(text("lightbox.copied"), { kind: "good" });
    } catch (error) {
      app.notice(error.message, { kind: "error" });
    }
  }

  function show() {
    const picture = pictures[at];
    image.src = app.api.here(picture.url);
    image.alt = picture.prompt || text("task.picture");
    image.width = picture.width;
    image.height = picture.height;
    before.disabled = at === 0;
    const writers = { curl: asCurl, Python: asPython };
    side.replaceChildren(
      element("p", { class: "prompt" }, picture.prompt?.trim() || text("lightbox.noPrompt")),
      element("div", { class: "actions" },
        pictureActions(picture, app, { done: () => box.close() }),
        menu("copy", "code", Object.keys(writers), (name) => copy(writers[name])),
        remove && element("button", { class: "quiet bad", dataset: { action: "delete" }, onclick: drop }, icon("trash"), text("actions.delete"))),
      facts(picture, app),
    );
  }

  show();
  document.body.append(box);
  box.showModal();
}
