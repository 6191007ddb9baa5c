// Fill: what an outline encloses. Removing takes the connected part away.

const FULL = 250; // what is at least that stops the flood: the soft rim of an outline is filled with it

export function fill(desk) {
  return {
    id: "fill",
    options: ["mode"],
    down(at, event) {
      flood(desk.mask, Math.floor(at.x), Math.floor(at.y), desk.modeOf(event) === "remove");
    },
    move() {},
    up() {
      desk.mask.commit();
    },
    cancel() {
      desk.mask.rollback();
    },
  };
}

/** Fill from a pixel on, row by row, up to what is fully masked; or empty it up to what is not masked at all. */
export function flood(mask, x, y, removes) {
  const { width, height, data } = mask;
  if (x < 0 || y < 0 || x >= width || y >= height) return;
  const open = removes ? (i) => data[i] > 0 : (i) => data[i] < FULL;
  const value = removes ? 0 : 255;
  const waiting = open(y * width + x) ? [[x, y]] : [];
  while (waiting.length) {
    const [sx, sy] = waiting.pop();
    const start = sy * width;
    if (!open(start + sx)) continue;
    let [left, right] = [sx, sx + 1];
    while (left > 0 && open(start + left - 1)) left--;
    while (right < width && open(start + right)) right++;
    mask.change({ left, top: sy, right, bottom: sy + 1 }, () => data.fill(value, start + left, start + right));
    for (const row of [sy - 1, sy + 1]) {
      if (row < 0 || row >= height) continue;
      for (let i = left; i < right; i++) {
        const isOpen = open(row * width + i);
        if (isOpen && (i === left || !open(row * width + i - 1))) waiting.push([i, row]);
      }
    }
  }
}
