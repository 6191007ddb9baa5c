// The mask as it is seen: a striped tint, made only for the part of the screen that has changed.

const FINE = 0.75; // below this many screen pixels a picture's pixel, four are looked at for one
const STRIPE = 3; // stripes are 2^3 screen pixels wide
const COLOURS = [
  [226, 62, 130, 150],
  [255, 150, 190, 118],
];

// For each stripe the pixel of each mask value, as ImageData has it.
const PALETTES = COLOURS.map(([red, green, blue, alpha]) => {
  const bytes = new Uint8ClampedArray(1024);
  for (let value = 0; value < 256; value++) bytes.set([red, green, blue, (alpha * value) / 255], value * 4);
  return new Uint32Array(bytes.buffer);
});

/** Draw the part `box` (screen pixels) of a mask that lies at (x, y) and is `scale` times as large there. */
export function tint(drawing, mask, { x, y, scale }, box) {
  const width = box.right - box.left;
  const height = box.bottom - box.top;
  if (width <= 0 || height <= 0) return;
  const image = drawing.createImageData(width, height);
  const out = new Uint32Array(image.data.buffer);
  const columns = places(box.left, width, x, scale, mask.width);
  const second = scale < FINE ? places(box.left + 0.5, width, x, scale, mask.width) : null;
  const shift = Math.round(x + y);
  for (let row = 0; row < height; row++) {
    const from = place(box.top + row, y, scale, mask.height);
    if (from < 0) continue;
    const below = second ? Math.max(from, place(box.top + row + 0.5, y, scale, mask.height)) : from;
    const across = box.left + box.top + row - shift + (1 << 20);
    if (second) averaged(out, row * width, mask, columns, second, from, below, across);
    else plain(out, row * width, mask, columns, from, across);
  }
  drawing.putImageData(image, box.left, box.top);
}

function plain(out, at, { data, width }, columns, row, across) {
  const start = row * width;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    if (column < 0) continue;
    const value = data[start + column];
    if (value) out[at + i] = PALETTES[((across + i) >> STRIPE) & 1][value];
  }
}

function averaged(out, at, { data, width }, columns, second, row, below, across) {
  const start = row * width;
  const next = below * width;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    if (column < 0) continue;
    const beside = Math.max(column, second[i]);
    const sum = data[start + column] + data[start + beside] + data[next + column] + data[next + beside];
    if (sum) out[at + i] = PALETTES[((across + i) >> STRIPE) & 1][(sum + 2) >> 2];
  }
}

/** The mask's column at the middle of each screen column, -1 beside it. */
function places(first, count, offset, scale, most) {
  return Int32Array.from({ length: count }, (_, i) => place(first + i, offset, scale, most));
}

function place(screen, offset, scale, most) {
  const found = Math.floor((screen + (scale < FINE ? 0.25 : 0.5) - offset) / scale);
  return found >= 0 && found < most ? found : -1;
}
