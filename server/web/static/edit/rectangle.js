// Rectangle: from corner to corner; Shift makes it a square.

export function rectangle(desk) {
  let from = null;
  let to = null;
  let mode = "add";

  const corners = () => [from, { x: to.x, y: from.y }, to, { x: from.x, y: to.y }, from];
  return {
    id: "rectangle",
    options: ["mode"],
    down(at, event) {
      mode = desk.modeOf(event);
      from = to = at;
    },
    move(points, event) {
      to = points.at(-1);
      if (event.shiftKey) to = square(from, to);
      desk.view.outline(corners());
    },
    up() {
      desk.view.outline(null);
      block(desk.mask, from, to, mode);
      desk.mask.commit();
    },
    cancel() {
      desk.view.outline(null);
    },
  };
}

function square(from, to) {
  const side = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y));
  return { x: from.x + side * Math.sign(to.x - from.x || 1), y: from.y + side * Math.sign(to.y - from.y || 1) };
}

/** Add a block of whole pixels to the mask, or remove it. */
export function block(mask, from, to, mode) {
  const box = {
    left: Math.round(Math.min(from.x, to.x)),
    top: Math.round(Math.min(from.y, to.y)),
    right: Math.round(Math.max(from.x, to.x)),
    bottom: Math.round(Math.max(from.y, to.y)),
  };
  if (box.left === box.right || box.top === box.bottom) return;
  if (mode === "new") mask.change(mask.whole, () => mask.data.fill(0));
  mask.change(box, ({ left, top, right, bottom }) => {
    const value = mode === "remove" ? 0 : 255;
    for (let y = top; y < bottom; y++) mask.data.fill(value, y * mask.width + left, y * mask.width + right);
  });
}
