// The slim bar of tools, and beside it what the chosen one can be told.
import { icon } from "./icons.js";

const TOOLS = [
  ["brush", "B"],
  ["eraser", "E"],
  ["lasso", "L"],
  ["rectangle", "R"],
  ["fill", "F"],
  ["object", "O"],
  ["words", "N"],
  ["subject", "S"],
  ["adjust", "A"],
  ["extend", "U"],
  ["hand", "H"],
];
const BREAKS = ["object", "adjust", "hand"]; // a little room before these
const MODES = ["new", "add", "remove"];
const SIZES = 400; // steps of the size's slider

/** The bar's element. */
export function bar(desk, { element, text }) {
  const button = (name, words, key, onclick) =>
    element(
      "button",
      { type: "button", class: "icon edit-tool", "aria-label": words, title: `${words} (${key})`, "aria-keyshortcuts": key, onclick },
      icon(name),
    );
  const tools = TOOLS.map(([id, key]) => {
    const made = button(id, text(`edit.tools.${id}`), key, () => {
      desk.choose(id);
      if (id === "words") desk.tool.focus();
    });
    made.classList.toggle("apart", BREAKS.includes(id));
    made.dataset.tool = id;
    return made;
  });
  const undo = button("undo", text("edit.undo"), "Ctrl+Z", () => !desk.locked && desk.mask.undo());
  const redo = button("redo", text("edit.redo"), "Ctrl+Shift+Z", () => !desk.locked && desk.mask.redo());
  undo.classList.add("apart", "undo");
  redo.classList.add("redo");

  const show = () => {
    for (const one of tools) one.setAttribute("aria-pressed", String(one.dataset.tool === desk.tool.id));
    undo.disabled = !desk.mask?.canUndo || desk.locked;
    redo.disabled = !desk.mask?.canRedo || desk.locked;
  };
  for (const what of ["tool", "mask", "busy", "version"]) desk.addEventListener(what, show);
  return element("div", { class: "edit-bar", role: "group", "aria-label": text("edit.toolbar") }, tools, undo, redo);
}

/** What the chosen tool can be told: its brush, what it does to the mask, its own panel, and what went wrong with it. */
export function options(desk, { element, text }) {
  const size = slider(text("edit.size"), { max: SIZES });
  const softness = slider(text("edit.softness"), { max: 100 });
  size.input.addEventListener("input", () => desk.setBrush({ size: Math.round(2048 ** (size.input.value / SIZES)) }));
  softness.input.addEventListener("input", () => desk.setBrush({ softness: softness.input.value / 100 }));
  const modes = MODES.map((mode) =>
    element("button", { type: "button", dataset: { mode }, onclick: () => desk.setMode(mode) }, text(`edit.modes.${mode}`)),
  );
  const choice = element("span", { class: "edit-choice", role: "group", "aria-label": text("edit.mode") }, modes);
  const panel = element("span", { class: "edit-panel" });
  const problem = element("p", { class: "problem edit-problem", role: "alert" });

  function slider(words, more) {
    const input = element("input", { type: "range", min: "0", "aria-label": words, ...more });
    const told = element("output", { class: "numbers" });
    return { input, told, label: element("label", { class: "edit-slider" }, element("span", {}, words), input, told) };
  }

  function brushed() {
    size.input.value = String((Math.log(desk.brush.size) / Math.log(2048)) * SIZES);
    size.told.textContent = `${desk.brush.size}`;
    size.input.setAttribute("aria-valuetext", `${desk.brush.size} ${text("edit.px")}`);
    softness.input.value = String(desk.brush.softness * 100);
    softness.told.textContent = `${Math.round(desk.brush.softness * 100)} %`;
  }

  function chosen() {
    const { tool } = desk;
    const has = (name) => tool.options?.includes(name) ?? false;
    size.label.hidden = softness.label.hidden = !has("brush");
    choice.hidden = !has("mode");
    const offered = tool.modes ?? ["add", "remove"];
    for (const button of modes) {
      button.hidden = !offered.includes(button.dataset.mode);
      button.setAttribute("aria-pressed", String(button.dataset.mode === desk.modeOf()));
    }
    panel.replaceChildren(...(tool.panel ?? []));
  }

  desk.addEventListener("tool", chosen);
  desk.addEventListener("brush", brushed);
  desk.addEventListener("problem", () => (problem.textContent = desk.problem));
  brushed();
  return element("div", { class: "edit-options" }, size.label, softness.label, choice, panel, problem);
}
