// Brush and eraser: strokes as a chain of round-ended segments, written straight into the mask's bytes.

const LEAST_PRESSURE = 0.25; // of the size, for a pen that hardly touches

/** The tool. kind: "brush" adds, "eraser" removes; Alt turns the one into the other. */
export function brush(desk, kind) {
  let last = null; // where the stroke before ended: Shift draws a straight line from there
  let removes = false;

  const radius = (at) => {
    const share = at.pen ? LEAST_PRESSURE + (1 - LEAST_PRESSURE) * at.pressure : 1;
    return Math.max(0.5, (desk.brush.size / 2) * share);
  };
  const draw = (from, to) => segment(desk.mask, from, to, radius(to), desk.brush.softness, removes);

  return {
    id: kind,
    ring: true,
    options: ["brush"],
    down(at, event) {
      removes = (kind === "eraser") !== event.altKey;
      draw(event.shiftKey && last ? last : at, at);
      last = at;
    },
    move(points) {
      for (const at of points) {
        draw(last, at);
        last = at;
      }
    },
    up() {
      desk.mask.commit();
    },
    cancel() {
      desk.mask.rollback();
      last = null;
    },
    reset() {
      last = null;
    },
  };
}

/** Paint or erase around the line between two points ({ x, y } in pixels). softness: 0 = a hard edge, 1 = soft to the middle. */
export function segment(mask, from, to, radius, softness, removes) {
  const outer = radius + 0.5;
  const inner = Math.min(radius - 0.5, radius * (1 - softness));
  const box = {
    left: Math.min(from.x, to.x) - outer,
    top: Math.min(from.y, to.y) - outer,
    right: Math.max(from.x, to.x) + outer,
    bottom: Math.max(from.y, to.y) + outer,
  };
  mask.change(box, ({ top, bottom }) => {
    for (let y = top; y < bottom; y++) row(mask, y, { from, to, inner, outer, removes });
  });
}

/** One row: what lies within the inner radius at once, the edge pixel by pixel. */
function row(mask, y, stroke) {
  const wide = across(stroke, y + 0.5, stroke.outer);
  if (!wide) return;
  const start = y * mask.width;
  const first = Math.max(0, Math.floor(wide[0]));
  const end = Math.min(mask.width, Math.ceil(wide[1]));
  const full = stroke.inner > 0 ? across(stroke, y + 0.5, stroke.inner) : null;
  const fullFirst = full ? Math.min(end, Math.max(first, Math.ceil(full[0] - 0.5))) : end;
  const fullEnd = full ? Math.max(fullFirst, Math.min(end, Math.floor(full[1] + 0.5))) : end;
  edge(mask, start, first, fullFirst, y, stroke);
  mask.data.fill(stroke.removes ? 0 : 255, start + fullFirst, start + fullEnd);
  edge(mask, start, fullEnd, end, y, stroke);
}

function edge(mask, start, first, end, y, { from, to, inner, outer, removes }) {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = dx * dx + dy * dy;
  for (let x = first; x < end; x++) {
    const px = x + 0.5 - from.x;
    const py = y + 0.5 - from.y;
    const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
    const distance = Math.hypot(px - along * dx, py - along * dy);
    const share = Math.min(1, Math.max(0, (outer - distance) / (outer - inner)));
    const value = Math.round(255 * share);
    const i = start + x;
    mask.data[i] = removes ? Math.min(mask.data[i], 255 - value) : Math.max(mask.data[i], value);
  }
}

/** From where to where a line with round ends covers the height y, or null. */
function across({ from, to }, y, radius) {
  let [left, right] = [Infinity, -Infinity];
  for (const end of [from, to]) {
    const half = radius * radius - (y - end.y) ** 2;
    if (half < 0) continue;
    left = Math.min(left, end.x - Math.sqrt(half));
    right = Math.max(right, end.x + Math.sqrt(half));
  }
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length) {
    const nx = (-(to.y - from.y) / length) * radius;
    const ny = ((to.x - from.x) / length) * radius;
    const corners = [
      [from.x + nx, from.y + ny],
      [to.x + nx, to.y + ny],
      [to.x - nx, to.y - ny],
      [from.x - nx, from.y - ny],
    ];
    for (let i = 0; i < 4; i++) {
      const [ax, ay] = corners[i];
      const [bx, by] = corners[(i + 1) % 4];
      if (ay === by || y < Math.min(ay, by) || y > Math.max(ay, by)) continue;
      const x = ax + ((y - ay) / (by - ay)) * (bx - ax);
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
  }
  return left < right ? [left, right] : null;
}
