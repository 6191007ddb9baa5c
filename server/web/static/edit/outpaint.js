// Continue the picture: drag its edges, choose sides (a third by default), or a shape to reach.

const SIDES = ["Left", "Top", "Right", "Bottom"]; // in the order of the margins
const SHAPES = ["16:9", "3:2", "4:3", "1:1", "3:4", "2:3", "9:16"];
const ANCHORS = ["center", "left", "right", "top", "bottom", "top-left", "top-right", "bottom-left", "bottom-right"];
const MOST = 8192; // pixels a side
const STEP = 8;

export function outpaint(desk, app) {
  const { element, text } = app;
  const handles = SIDES.map((_, side) => handle(desk, app, side));
  const size = element("output", { class: "edit-help numbers", "aria-live": "polite" });
  const toggles = SIDES.map((side, i) =>
    element("button", { type: "button", onclick: () => toggle(i) }, text(`edit.sideNames.${side}`)),
  );
  const choice = (key, values, onchange) =>
    element(
      "label",
      { class: "edit-row tight" },
      element("span", { class: "unseen" }, text(key)),
      element("select", { "aria-label": text(key), onchange }, values),
    );
  const shapes = choice("edit.shape", [
    element("option", { value: "" }, text("edit.shape")),
    ...SHAPES.map((shape) => element("option", { value: shape }, shape)),
    element("option", { value: "own" }, text("edit.ownSize")),
  ], reach);
  const anchors = choice("edit.anchor", ANCHORS.map((name) => element("option", { value: name }, text(`edit.at.${name}`))), reach);
  const own = element("input", {
    type: "text", class: "edit-size", placeholder: "1920x1080", "aria-label": text("edit.ownSize"), hidden: true,
    pattern: "\\s*\\d{1,5}\\s*[x×*]\\s*\\d{1,5}\\s*", onchange: reach,
  });
  const [shape, anchor] = [shapes, anchors].map((label) => label.querySelector("select"));
  const none = element("button", { type: "button", class: "quiet", onclick: () => desk.setMargins([0, 0, 0, 0]) }, text("edit.noMargins"));

  function toggle(side) {
    if (!desk.ready) return;
    const margins = [...desk.margins];
    const length = side % 2 ? desk.mask.height : desk.mask.width;
    margins[side] = margins[side] ? 0 : Math.floor(length / 3);
    desk.setMargins(margins);
    desk.view.fit();
  }

  /** Reach the chosen shape, or the size that was typed. */
  function reach() {
    own.hidden = shape.value !== "own";
    if (!desk.ready || !shape.value || (!own.hidden && !own.value)) return;
    const wanted = own.hidden ? shape.value : own.value.trim();
    const margins = own.reportValidity() ? marginsTo([desk.mask.width, desk.mask.height], wanted, anchor.value) : null;
    if (!margins) return desk.complain(text("edit.shapeIsNone", { shape: wanted }));
    desk.complain("");
    desk.setMargins(margins, { shape: wanted, anchor: anchor.value });
    desk.view.fit();
  }

  function show() {
    const { margins, mask, target } = desk;
    const any = margins.some((pixels) => pixels > 0);
    toggles.forEach((button, side) => button.setAttribute("aria-pressed", String(margins[side] > 0)));
    if (!target) shape.value = "";
    own.hidden = shape.value !== "own";
    anchors.hidden = !target && shape.value === "";
    none.hidden = !any;
    size.hidden = !any || !mask;
    if (any && mask) size.textContent = `${mask.width} × ${mask.height} → ${larger(desk).join(" × ")}`;
    handles.forEach((one) => one.place());
  }

  desk.addEventListener("margins", show);
  desk.addEventListener("version", show);
  desk.addEventListener("tool", show);
  return {
    id: "extend",
    pans: true,
    options: [],
    handles,
    panel: [element("span", { class: "edit-choice", role: "group", "aria-label": text("edit.sides") }, element("span", {}, text("edit.addThird")), toggles), shapes, anchors, own, size, none],
  };
}

export const larger = ({ mask, margins }) => [mask.width + margins[0] + margins[2], mask.height + margins[1] + margins[3]];

/** Which sides have a margin, in the API's words. */
export const sides = (margins) => SIDES.filter((_, side) => margins[side] > 0);

/** Pixels left, top, right, bottom up to a shape ("16:9") or size ("1920x1080"), as the server reckons; null where it cannot be. */
export function marginsTo([width, height], target, anchor) {
  const [, a, by, b] = /^(\d+(?:\.\d+)?)\s*([:x×*])\s*(\d+(?:\.\d+)?)$/.exec(target) ?? [];
  if (!Number(a) || !Number(b)) return null;
  const size = by === ":" ? [Math.max(width, Math.round((height * a) / b)), Math.max(height, Math.round((width * b) / a))] : [+a, +b];
  const [across, down] = [size[0] - width, size[1] - height];
  if (across < 0 || down < 0 || (!across && !down)) return null;
  const before = (room, first, last) => (anchor.includes(first) ? 0 : anchor.includes(last) ? room : Math.floor(room / 2));
  const [left, top] = [before(across, "left", "right"), before(down, "top", "bottom")];
  return [left, top, across - left, down - top];
}

/** The grip at one side: it is dragged, or moved with the arrow keys. */
function handle(desk, { element, text }, side) {
  const name = SIDES[side];
  const sign = side < 2 ? -1 : 1;
  const across = side % 2 === 0;
  let from = null;
  const grip = element("div", {
    class: `edit-grip ${name.toLowerCase()}`, role: "slider", tabindex: "0", "aria-label": text(`edit.extendBy.${name}`),
    "aria-orientation": across ? "horizontal" : "vertical", "aria-valuemin": "0", "aria-valuemax": String(MOST),
    onpointerdown(event) {
      if (event.button || desk.locked) return;
      grip.setPointerCapture(event.pointerId);
      from = { at: across ? event.clientX : event.clientY, margin: desk.margins[side] };
    },
    onpointermove(event) {
      if (from) set(from.margin + (sign * ((across ? event.clientX : event.clientY) - from.at)) / desk.view.scale);
    },
    onpointerup: end,
    onpointercancel: end,
    onkeydown(event) {
      const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, -1], ArrowDown: [1, 1] }[event.key];
      if (!way && event.key !== "Home") return;
      event.preventDefault();
      event.stopPropagation();
      if (!way) set(0);
      else if ((way[0] === 0) === across) set(desk.margins[side] + way[1] * sign * STEP * (event.shiftKey ? 8 : 1));
    },
  });

  function set(pixels) {
    const margins = [...desk.margins];
    margins[side] = 0;
    const length = across ? larger({ ...desk, mask: desk.mask, margins })[0] : larger({ ...desk, mask: desk.mask, margins })[1];
    margins[side] = Math.min(MOST - length, Math.max(0, Math.round(pixels)));
    desk.setMargins(margins);
  }

  function end() {
    if (!from) return;
    from = null;
    desk.view.fit();
  }

  grip.place = () => {
    const { view, margins } = desk;
    grip.hidden = !desk.ready || desk.tool.id !== "extend" || desk.locked;
    grip.setAttribute("aria-valuenow", String(margins[side]));
    grip.setAttribute("aria-valuetext", `${margins[side]} ${text("edit.px")}`);
    const first = view.toStage({ x: -margins[0], y: -margins[1] });
    const last = view.toStage({ x: view.width + margins[2], y: view.height + margins[3] });
    const middle = { x: (first.x + last.x) / 2, y: (first.y + last.y) / 2 };
    const at = [{ x: first.x, y: middle.y }, { x: middle.x, y: first.y }, { x: last.x, y: middle.y }, { x: middle.x, y: last.y }][side];
    grip.style.transform = `translate(${at.x}px, ${at.y}px)`;
  };
  return grip;
}
