// The keyboard: one table that is both what keys do and the list that "?" shows.

const SIZES = 1.2; // what [ and ] change the brush's size by

/** Rows of [what the list shows, its text's key, which events it is, what it does]. */
export function shortcuts({ desk, view, run, compare, versions, shape, prompt }) {
  const tool = (letter, id) => [letter.toUpperCase(), `edit.tools.${id}`, plain(letter), () => desk.choose(id)];
  const onMask = (work) => () => desk.ready && !desk.locked && work(desk.mask);
  return [
    ["Ctrl + Enter", "edit.run", (event) => ctrl(event) && event.key === "Enter", run],
    tool("b", "brush"),
    tool("e", "eraser"),
    tool("l", "lasso"),
    tool("r", "rectangle"),
    tool("f", "fill"),
    tool("o", "object"),
    ["N", "edit.tools.words", plain("n"), () => (desk.choose("words"), desk.tool.focus())],
    tool("s", "subject"),
    tool("a", "adjust"),
    tool("u", "extend"),
    tool("h", "hand"),
    ["[ ]", "edit.keys.size", plain("[", "]"), (event) => resize(desk, event.key === "[" ? 1 / SIZES : SIZES)],
    ["{ }", "edit.keys.softness", plain("{", "}"), (event) => soften(desk, event.key === "{" ? -0.1 : 0.1)],
    ["X", "edit.invert", plain("x"), onMask(shape.invert)],
    ["Delete", "edit.clear", plain("delete", "backspace"), onMask(shape.clear)],
    ["Ctrl + Z", "edit.undo", (event) => ctrl(event, "z") && !event.shiftKey, onMask((mask) => mask.undo())],
    ["Ctrl + Shift + Z", "edit.redo", (event) => (ctrl(event, "z") && event.shiftKey) || ctrl(event, "y"), onMask((mask) => mask.redo())],
    ["+ −", "edit.keys.zoom", plain("+", "=", "-"), (event) => view.zoom(event.key === "-" ? 1 / 1.25 : 1.25)],
    ["0", "edit.fit", plain("0"), () => view.fit()],
    ["1", "edit.keys.actual", plain("1"), () => view.zoom(1 / devicePixelRatio / view.scale)],
    ["C", "edit.compare", plain("c"), () => compare.toggle()],
    ["Page Up, Page Down", "edit.keys.versions", plain("pageup", "pagedown"), (event) => versions.step(event.key === "PageUp" ? -1 : 1)],
    ["D", "edit.download", plain("d"), () => versions.download()],
    ["P", "edit.keys.prompt", plain("p"), () => prompt.focus()],
  ];
}

/** What the pointer does with a key held; shown in the list only. */
const HELD = [
  ["Space", "edit.keys.pan"],
  ["Shift", "edit.keys.add"],
  ["Alt", "edit.keys.remove"],
  ["← ↑ → ↓, Enter", "edit.keys.cursor"],
  ["Escape", "edit.keys.escape"],
  ["?", "edit.keys.help"],
];

/** Do what an event's key stands for. True if it stands for something. */
export function press(table, event) {
  const found = table.find(([, , is]) => is(event));
  found?.[3](event);
  return Boolean(found);
}

/** The list, over the page. */
export function list(table, { element, text, icon }) {
  const rows = [...table, ...HELD].map(([keys, words]) =>
    element("div", {}, element("dt", {}, keys.split(" + ").map((key, i) => [i ? " + " : "", element("kbd", {}, key)])), element("dd", {}, text(words))),
  );
  const close = element("button", { class: "icon", "aria-label": text("app.close"), onclick: () => box.close() }, icon("close"));
  const box = element(
    "dialog",
    { class: "edit-keys", "aria-label": text("edit.keys.title"), onclose: () => box.remove() },
    element("div", { class: "edit-row between" }, element("h2", {}, text("edit.keys.title")), close),
    element("dl", {}, rows),
  );
  document.body.append(box);
  box.showModal();
}

/** Whether a person is writing there. */
export const isWriting = (target) =>
  target.closest?.("textarea, select, [contenteditable], input:not([type=range], [type=checkbox], [type=radio], [type=file])") != null;

function resize(desk, factor) {
  const { size } = desk.brush;
  const next = Math.round(size * factor);
  desk.setBrush({ size: next === size ? size + Math.sign(factor - 1) : next });
}

function soften(desk, by) {
  desk.setBrush({ softness: Math.min(1, Math.max(0, Math.round((desk.brush.softness + by) * 10) / 10)) });
}

const ctrl = (event, key) => (event.ctrlKey || event.metaKey) && !event.altKey && (!key || event.key.toLowerCase() === key);

function plain(...keys) {
  return (event) => !event.ctrlKey && !event.metaKey && !event.altKey && keys.includes(event.key.toLowerCase());
}
