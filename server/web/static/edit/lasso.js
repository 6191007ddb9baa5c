// Lasso: what a freehand line goes around.

const BAND = 512; // rows that are drawn at a time, so that a large area takes little memory

export function lasso(desk) {
  let points = [];
  let mode = "add";

  return {
    id: "lasso",
    options: ["mode"],
    down(at, event) {
      mode = desk.modeOf(event);
      points = [at];
    },
    move(more) {
      points.push(...more);
      desk.view.outline(points);
    },
    up() {
      desk.view.outline(null);
      if (points.length > 2) polygon(desk.mask, points, mode);
      desk.mask.commit();
      points = [];
    },
    cancel() {
      desk.view.outline(null);
      points = [];
    },
  };
}

/** Add what lies within the points ({ x, y } in pixels) to the mask, or remove it; in smooth edges. */
export function polygon(mask, points, mode) {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const extent = (values, pick) => values.reduce((most, value) => pick(most, value));
  const box = {
    left: extent(xs, Math.min) - 1,
    top: extent(ys, Math.min) - 1,
    right: extent(xs, Math.max) + 1,
    bottom: extent(ys, Math.max) + 1,
  };
  if (mode === "new") mask.change(mask.whole, () => mask.data.fill(0));
  mask.change(box, (part) => {
    const canvas = new OffscreenCanvas(part.right - part.left, Math.min(BAND, part.bottom - part.top));
    const drawing = canvas.getContext("2d", { willReadFrequently: true });
    for (let top = part.top; top < part.bottom; top += BAND) {
      drawing.setTransform(1, 0, 0, 1, 0, 0);
      drawing.clearRect(0, 0, canvas.width, canvas.height);
      drawing.setTransform(1, 0, 0, 1, -part.left, -top);
      drawing.beginPath();
      for (const { x, y } of points) drawing.lineTo(x, y);
      drawing.fill();
      take(mask, drawing, { ...part, top, bottom: Math.min(part.bottom, top + BAND) }, mode);
    }
  });
}

function take(mask, drawing, { left, top, right, bottom }, mode) {
  const drawn = drawing.getImageData(0, 0, right - left, bottom - top).data;
  for (let y = top, at = 3; y < bottom; y++) {
    for (let i = y * mask.width + left, end = y * mask.width + right; i < end; i++, at += 4) {
      const value = drawn[at];
      if (value) mask.data[i] = mode === "remove" ? Math.min(mask.data[i], 255 - value) : Math.max(mask.data[i], value);
    }
  }
}
