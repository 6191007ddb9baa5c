// Sizes as shapes: a drawn rectangle each, those that the preset is good at; or any other in pixels.

import { drawing, element } from "../element.js";
import { text } from "../texts.js";

const BOX = 30;

export const sides = (size) => size.split(/[*×x]/).map(Number);

export function outline(size) {
  const [width, height] = sides(size);
  const scale = BOX / Math.max(width, height);
  const [w, h] = [width * scale, height * scale];
  return drawing(
    "svg",
    { class: "outline", viewBox: "0 0 34 34", "aria-hidden": "true" },
    drawing("rect", { x: 17 - w / 2, y: 17 - h / 2, width: w, height: h, rx: 3 }),
  );
}

// "1152*896" → "9:7"; where no small numbers fit, the pixels.
export function ratio(size) {
  const [width, height] = sides(size);
  for (let down = 1; down <= 21; down += 1) {
    const across = (width / height) * down;
    if (Math.abs(across - Math.round(across)) < 0.02 * across && Math.round(across) <= 21) return `${Math.round(across)}:${down}`;
  }
  return spelled(size);
}

export const spelled = (size) => sides(size).join("×");

export function shapesPanel({ sizes, chosen, choose }) {
  const options = sizes.map((size) => {
    const input = element("input", { type: "radio", name: "shape", value: size, class: "unseen", onchange: () => choose(size) });
    return element("label", { class: "shape" }, input, outline(size), element("span", {}, ratio(size)),
      element("small", { class: "faint numbers" }, spelled(size)));
  });
  const width = side("create.width", "width");
  const height = side("create.height", "height");

  function side(label, name) {
    return element("input", {
      type: "number", min: 8, max: 8192, step: 8, inputmode: "numeric", name, "aria-label": text(label), oninput: own,
    });
  }

  function own() {
    if (width.value > 0 && height.value > 0) choose(`${Math.round(width.value)}*${Math.round(height.value)}`);
  }

  function show() {
    const [w, h] = sides(chosen());
    for (const option of options) option.control.checked = sides(option.control.value).join() === [w, h].join();
    if (document.activeElement !== width) width.value = w;
    if (document.activeElement !== height) height.value = h;
  }

  const root = element(
    "div",
    { class: "panel" },
    element("div", { class: "shapes", role: "radiogroup", "aria-label": text("create.shape") }, options),
    element("div", { class: "row tight own" }, width, "×", height),
  );
  return { root, show };
}
