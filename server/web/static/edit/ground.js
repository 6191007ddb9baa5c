// What lies under the mask: the picture, the margins that are to be added, the picture before, the preview of what comes.

const CHECK = 8; // CSS pixels of the chequers behind what is not there yet or transparent
const SHARP = 8; // screen pixels a picture's pixel from which on pixels are shown as squares

/** The picture at its size, half of it, a quarter …: small ones are drawn faster and look better. */
export function smaller(bitmap) {
  const sizes = [bitmap];
  for (let last = bitmap; Math.max(last.width, last.height) > 1024; last = sizes.at(-1)) {
    const half = new OffscreenCanvas(Math.max(1, last.width >> 1), Math.max(1, last.height >> 1));
    const drawing = half.getContext("2d");
    drawing.imageSmoothingQuality = "medium";
    drawing.drawImage(last, 0, 0, half.width, half.height);
    sizes.push(half);
  }
  return sizes;
}

/** Draw all of it on a canvas that has `density` pixels a CSS pixel. */
export function ground(canvas, view, density) {
  const drawing = canvas.getContext("2d");
  drawing.setTransform(1, 0, 0, 1, 0, 0);
  drawing.clearRect(0, 0, canvas.width, canvas.height);
  if (!view.sizes.length) return;
  const scale = view.scale * density;
  drawing.setTransform(scale, 0, 0, scale, view.x * density, view.y * density);
  drawing.imageSmoothingEnabled = scale < SHARP;
  drawing.imageSmoothingQuality = "medium";
  chequers(drawing, view, canvas.width, canvas.height, density);
  draw(drawing, view.sizes, scale, 0, 0, view.width, view.height);
  if (view.before) before(drawing, view, scale);
  if (view.preview) preview(drawing, view.preview);
}

/** The size that has just enough pixels. */
function draw(drawing, sizes, scale, ...place) {
  const level = Math.min(sizes.length - 1, Math.max(0, Math.floor(Math.log2(1 / scale) + 0.1)));
  drawing.drawImage(sizes[level], ...place);
}

function chequers(drawing, view, width, height, density) {
  const [left, top, right, bottom] = view.margins;
  const look = getComputedStyle(view.stage);
  const side = Math.round(CHECK * density);
  const tile = new OffscreenCanvas(2 * side, 2 * side);
  const drawn = tile.getContext("2d");
  drawn.fillStyle = look.getPropertyValue("--edit-check");
  drawn.fillRect(0, 0, 2 * side, 2 * side);
  drawn.fillStyle = look.getPropertyValue("--edit-check-2");
  drawn.fillRect(0, 0, side, side);
  drawn.fillRect(side, side, side, side);
  drawing.save();
  drawing.beginPath();
  drawing.rect(-left, -top, view.width + left + right, view.height + top + bottom);
  drawing.clip();
  drawing.setTransform(1, 0, 0, 1, 0, 0);
  drawing.fillStyle = drawing.createPattern(tile, "repeat");
  drawing.fillRect(0, 0, width, height);
  drawing.restore();
}

/** The picture before, left of the slider, where it lay. before: { sizes, x, y } in this picture's pixels. */
function before(drawing, view, scale) {
  const { sizes, x, y } = view.before;
  drawing.save();
  drawing.beginPath();
  drawing.rect(0, 0, view.width * view.split, view.height);
  drawing.clip();
  drawing.clearRect(0, 0, view.width, view.height);
  draw(drawing, sizes, scale, x, y, sizes[0].width, sizes[0].height);
  drawing.restore();
}

/** preview: { canvas, box: [left, top, right, bottom] in the picture's pixels }. */
function preview(drawing, { canvas, box }) {
  drawing.imageSmoothingEnabled = true;
  drawing.drawImage(canvas, box[0], box[1], box[2] - box[0], box[3] - box[1]);
}
