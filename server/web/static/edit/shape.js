// The whole mask at once: invert, empty, grow, shrink, feather.

export function invert(mask) {
  mask.change(mask.whole, () => {
    for (let i = 0; i < mask.words.length; i++) mask.words[i] = ~mask.words[i];
  });
  mask.commit();
}

export function clear(mask) {
  mask.change(mask.whole, () => mask.data.fill(0));
  mask.commit();
}

/** Move the edge outwards by so many pixels (inwards below 0), round at corners. The picture's own edge does not count. */
export function grow(mask, pixels) {
  const reach = Math.abs(pixels);
  const around = wider(mask, reach + 2);
  if (!around) return;
  const outward = pixels > 0;
  const near = reach + 1;
  mask.change(around, (part) => {
    const far = distances(mask, part, outward, near);
    const across = part.right - part.left;
    for (let y = part.top, at = 0; y < part.bottom; y++) {
      for (let i = y * mask.width + part.left, end = i + across; i < end; i++, at++) {
        if (far[at] >= near) continue;
        const share = Math.min(1, near - far[at]);
        const value = Math.round(255 * share);
        mask.data[i] = outward ? Math.max(mask.data[i], value) : Math.min(mask.data[i], 255 - value);
      }
    }
  });
  mask.commit();
}

/** Blur the mask like a Gaussian of that many pixels, by three running means. */
export function feather(mask, pixels) {
  const less = Math.floor((Math.sqrt(4 * pixels * pixels + 1) - 1) / 2);
  const longer = Math.round((1.5 * (pixels * pixels - less * (less + 1))) / (less + 1)); // so many of the three means
  const around = wider(mask, 3 * less + 4);
  if (!around) return;
  const width = around.right - around.left;
  const height = around.bottom - around.top;
  let values = beyond(mask, around);
  for (let pass = 0; pass < 3; pass++) {
    const reach = pass < longer ? less + 1 : less;
    values = down(along(values, width, height, reach), width, height, reach);
  }
  mask.change(around, (part) => {
    for (let y = part.top; y < part.bottom; y++) {
      const start = (y - around.top) * width + part.left - around.left;
      mask.data.set(values.subarray(start, start + part.right - part.left), y * mask.width + part.left);
    }
  });
  mask.commit();
}

/** The values of a rectangle, also of one that is larger than the mask: its edge goes on there. */
function beyond(mask, { left, top, right, bottom }) {
  const width = right - left;
  const values = new Uint8Array(width * (bottom - top));
  const part = mask.clip({ left, top, right, bottom });
  for (let y = top, at = 0; y < bottom; y++, at += width) {
    const start = Math.min(mask.height - 1, Math.max(0, y)) * mask.width;
    values.fill(mask.data[start], at, at + part.left - left);
    values.set(mask.data.subarray(start + part.left, start + part.right), at + part.left - left);
    values.fill(mask.data[start + mask.width - 1], at + part.right - left, at + width);
  }
  return values;
}

/** What is masked and so many pixels around it; null where nothing is masked. */
function wider(mask, pixels) {
  const box = mask.bounds(0);
  if (!box) return null;
  return {
    left: box.left - pixels,
    top: box.top - pixels,
    right: box.right + pixels,
    bottom: box.bottom + pixels,
  };
}

/** Of each pixel how far the nearest masked one is (`outward`), or the nearest that is not; in pixels, right below `near`.
 *  Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", 2012: columns first, then rows. */
function distances(mask, { left, top, right, bottom }, outward, near) {
  const width = right - left;
  const height = bottom - top;
  const far = width + height;
  const out = new Float32Array(width * height).fill(far);
  for (let y = 0; y < height; y++) {
    const start = (y + top) * mask.width + left;
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (mask.data[start + x] >= 128 === outward) out[i] = 0;
      else if (y) out[i] = Math.min(far, out[i - width] + 1);
    }
  }
  for (let i = (height - 1) * width - 1; i >= 0; i--) {
    if (out[i] > out[i + width] + 1) out[i] = out[i + width] + 1;
  }
  const places = new Int32Array(width + 1);
  const bounds = new Float64Array(width + 2);
  for (let y = 0; y < height; y++) alongRow(out.subarray(y * width, (y + 1) * width), near, places, bounds);
  return out;
}

/** The lower envelope of the parabolas that stand on a row's distances down its columns; of those that can matter. */
function alongRow(row, near, places, bounds) {
  const heights = row.slice();
  let last = -1;
  for (let x = 0; x < row.length; x++) {
    const high = heights[x];
    if (high > near || (high === 0 && heights[x - 1] === 0 && heights[x + 1] === 0)) continue;
    let meet = -Infinity;
    for (; last >= 0; last--) {
      const place = places[last];
      meet = (high * high + x * x - heights[place] * heights[place] - place * place) / (2 * (x - place));
      if (meet > bounds[last]) break;
    }
    last++;
    places[last] = x;
    bounds[last] = last ? meet : -Infinity;
    bounds[last + 1] = Infinity;
  }
  if (last < 0) return;
  for (let x = 0, i = 0; x < row.length; x++) {
    while (bounds[i + 1] < x) i++;
    if (heights[x]) row[x] = Math.min(heights[x], Math.hypot(x - places[i], heights[places[i]]));
  }
}

function along(values, width, height, reach) {
  const out = new Uint8Array(values.length);
  const share = 1 / (2 * reach + 1);
  const row = new Uint8Array(width + 2 * reach + 1); // with its ends going on
  for (let start = 0; start < values.length; start += width) {
    row.fill(values[start], 0, reach);
    row.set(values.subarray(start, start + width), reach);
    row.fill(values[start + width - 1], reach + width);
    let sum = 0;
    for (let x = 0; x <= 2 * reach; x++) sum += row[x];
    for (let x = 0; x < width; x++) {
      out[start + x] = sum * share + 0.5;
      sum += row[x + 2 * reach + 1] - row[x];
    }
  }
  return out;
}

function down(values, width, height, reach) {
  const out = new Uint8Array(values.length);
  const share = 1 / (2 * reach + 1);
  const sums = new Int32Array(width);
  const row = (y) => Math.min(height - 1, Math.max(0, y)) * width;
  for (let y = -reach; y <= reach; y++) {
    for (let x = 0, i = row(y); x < width; x++, i++) sums[x] += values[i];
  }
  for (let y = 0; y < height; y++) {
    const next = row(y + reach + 1);
    const gone = row(y - reach);
    for (let x = 0; x < width; x++) {
      out[y * width + x] = sums[x] * share + 0.5;
      sums[x] += values[next + x] - values[gone + x];
    }
  }
  return out;
}
