// Before and after: a line over the picture that is dragged, or moved with the arrow keys.
import { bitmapOf } from "./version.js";
import { smaller } from "./ground.js";

export function compare(desk, app) {
  const { element, text } = app;
  const { view } = desk;
  let dragged = false;
  const line = element(
    "div",
    {
      class: "edit-split", role: "slider", tabindex: "0", hidden: true, "aria-label": text("edit.split"),
      "aria-valuemin": "0", "aria-valuemax": "100",
      onpointerdown(event) {
        if (event.button) return;
        dragged = true;
        line.setPointerCapture(event.pointerId);
      },
      onpointermove(event) {
        if (dragged) set(view.toPicture(event.clientX, event.clientY).x / view.width);
      },
      onpointerup: () => (dragged = false),
      onpointercancel: () => (dragged = false),
      onkeydown(event) {
        const by = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        set(view.split + by * (event.shiftKey ? 5 : 1));
      },
    },
    element("span", { class: "edit-tag left", "aria-hidden": "true" }, text("edit.before")),
    element("span", { class: "edit-tag right", "aria-hidden": "true" }, text("edit.after")),
  );
  const button = element(
    "button",
    { type: "button", class: "edit-compare", "aria-pressed": "false", title: `${text("edit.compare")} (C)`, onclick: toggle },
    text("edit.compare"),
  );

  const parent = () => desk.versions.find((one) => one.id === desk.version?.parent);

  /** Show the version that this one was made from beside it, or this one alone again. */
  async function toggle() {
    if (view.before) return end();
    const [version, from] = [desk.version, parent()];
    if (!from || desk.locked) return;
    await desk.during(text("edit.opening"), async () => {
      const bitmap = await bitmapOf(app, from);
      if (desk.version !== version) return;
      view.before = { sizes: smaller(bitmap), ...version.at };
      view.tinted = false;
      set(0.5);
    });
    show();
    line.focus({ preventScroll: true });
  }

  function end() {
    view.before = null;
    view.tinted = true;
    view.redraw();
    show();
  }

  function set(share) {
    view.split = Math.min(1, Math.max(0, share));
    line.setAttribute("aria-valuenow", String(Math.round(view.split * 100)));
    view.redraw();
    place();
  }

  function place() {
    line.hidden = !view.before;
    if (line.hidden) return;
    const top = view.toStage({ x: view.width * view.split, y: 0 });
    line.style.transform = `translate(${top.x}px, ${top.y}px)`;
    line.style.height = `${view.height * view.scale}px`;
  }

  function show() {
    button.disabled = !parent();
    button.setAttribute("aria-pressed", String(view.before !== null));
    place();
    desk.tell("busy");
  }

  desk.addEventListener("version", () => {
    view.tinted = true;
    show();
  });
  return { line, button, toggle, end, place };
}
