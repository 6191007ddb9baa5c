// The stage: where the picture lies, what to do while there is none, how far one has zoomed; and the buttons above it.
import { icon } from "./icons.js";

/** The stage and the ways to bring a picture; opened(file) is told the one that was chosen. */
export function stage({ element, text }, opened) {
  const chosen = element("input", {
    type: "file", accept: "image/*", class: "unseen", tabindex: "-1", "aria-hidden": "true",
    onchange() {
      if (chosen.files[0]) opened(chosen.files[0]);
      chosen.value = "";
    },
  });
  const pick = () => chosen.click();
  const ring = element("div", { class: "edit-ring", hidden: true, "aria-hidden": "true" });
  const cross = element("div", { class: "edit-cross", hidden: true, "aria-hidden": "true" });
  const busy = element("div", { class: "edit-busy edit-over", role: "status", hidden: true });
  const empty = element(
    "div",
    { class: "edit-empty edit-over" },
    element("p", { class: "edit-invite" }, text("edit.drop")),
    element("button", { type: "button", class: "primary", onclick: pick }, text("edit.pick")),
    element("p", { class: "edit-help" }, text("edit.dropMore")),
  );
  const share = element("button", { type: "button", class: "quiet numbers", title: `${text("edit.fit")} (0)` }, "100 %");
  const zooms = [
    ["minus", text("edit.minus")],
    ["plus", text("edit.plus")],
  ].map(([name, words]) => element("button", { type: "button", class: "icon", "aria-label": words, title: words }, icon(name)));
  const zoom = element("div", { class: "edit-zoom edit-over", role: "group", "aria-label": text("edit.zoom"), hidden: true }, zooms[0], share, zooms[1]);
  const box = element(
    "div",
    { class: "edit-stage", tabindex: "0", role: "application", "aria-label": text("edit.canvas"), "aria-describedby": "edit-stage-help" },
    element("span", { id: "edit-stage-help", class: "unseen" }, text("edit.canvasHelp")),
    ring, cross, zoom, busy, empty, chosen,
  );

  /** Show what the desk is at. */
  function follow(desk) {
    const { view } = desk;
    zooms[0].addEventListener("click", () => view.zoom(1 / 1.25));
    zooms[1].addEventListener("click", () => view.zoom(1.25));
    share.addEventListener("click", () => view.fit());
    box.addEventListener("pointerdown", () => (cross.hidden = true));
    box.addEventListener("blur", () => (cross.hidden = true));
    desk.cross = ({ x, y }) => {
      cross.hidden = false;
      cross.style.transform = `translate(${x}px, ${y}px)`;
    };
    const show = () => {
      busy.hidden = !desk.busy;
      busy.textContent = desk.busy;
      empty.hidden = desk.ready || Boolean(desk.busy);
      zoom.hidden = !desk.ready;
      box.classList.toggle("locked", desk.locked);
      box.dataset.tool = desk.tool.id;
    };
    for (const what of ["busy", "version", "tool"]) desk.addEventListener(what, show);
    show();
  }

  const moved = (view) => (share.textContent = `${Math.round(view.scale * devicePixelRatio * 100)} %`);
  return { box, ring, pick, follow, moved };
}

/** Compare, save, another picture, put all away, help. */
export function actions(desk, { element, text, icon: drawn, notice }, { strip, split, help, pick }) {
  const button = (picture, key, letter, onclick) =>
    element("button", { type: "button", class: "icon", "aria-label": text(key), title: letter ? `${text(key)} (${letter})` : text(key), onclick }, picture);
  const save = button(icon("download"), "edit.download", "D", strip.download);
  const clear = button(drawn("trash"), "edit.putAway", "", () => {
    if (desk.locked) return;
    const { versions, version } = desk;
    desk.clear();
    const back = async () => {
      desk.versions = versions;
      await desk.show(version);
    };
    notice(text("edit.wasPutAway"), { action: { label: text("edit.undo"), run: back } });
  });
  const show = () => (save.disabled = clear.disabled = !desk.ready);
  for (const what of ["busy", "version"]) desk.addEventListener(what, show);
  return element(
    "div",
    { class: "edit-actions" },
    split.button,
    save,
    button(icon("open"), "edit.pick", "", pick),
    clear,
    button(icon("help"), "edit.keys.title", "?", help),
  );
}
