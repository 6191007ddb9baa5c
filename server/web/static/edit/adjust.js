// The panel for the whole mask: invert, empty, grow, shrink, feather.
import * as shape from "./shape.js";

const AT_ONCE = 2 ** 21; // pixels

export function adjust(desk, app) {
  const { element, text } = app;
  const pixels = element("input", {
    type: "number",
    class: "edit-number",
    value: "8",
    min: "1",
    max: "256",
    "aria-label": text("edit.pixels"),
  });
  const many = () => Math.min(256, Math.max(1, Math.round(Number(pixels.value)) || 1));
  const button = (key, work) => element("button", { type: "button", onclick: () => change(work) }, text(key));

  /** Large masks take a moment, in which the page shows that something is done. */
  function change(work) {
    if (!desk.ready || desk.locked) return;
    const { mask } = desk;
    return desk.during(text("edit.working"), async () => {
      if (mask.data.length > AT_ONCE) await new Promise((shown) => requestAnimationFrame(() => setTimeout(shown)));
      work(mask);
    });
  }

  return {
    id: "adjust",
    pans: true,
    options: [],
    panel: [
      button("edit.invert", shape.invert),
      button("edit.clear", shape.clear),
      element(
        "span",
        { class: "edit-row tight" },
        element("label", { class: "edit-row tight" }, pixels, element("span", {}, text("edit.px"))),
        button("edit.grow", (mask) => shape.grow(mask, many())),
        button("edit.shrink", (mask) => shape.grow(mask, -many())),
        button("edit.feather", (mask) => shape.feather(mask, many())),
      ),
    ],
  };
}
