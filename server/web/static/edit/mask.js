// The mask: one byte a pixel, 255 = paint here, and a history that keeps of each change the tiles it has touched.
import { pack, unpack } from "./pack.js";

const TILE = 128;
const MOST_HISTORY = 64 << 20; // bytes, of packed tiles
export const KNOWN = 31; // the server keeps what is not above this

/** Rectangles are { left, top, right, bottom } in pixels; right and bottom are the first outside. */
export class Mask {
  #columns;
  #open = new Map(); // tile → its bytes before the change that is under way
  #past = [];
  #future = [];
  #kept = new Map(); // tile → packed, of those that are not black; brought up to date by `packed`
  #stale = new Set();

  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.#columns = Math.ceil(width / TILE);
    const room = new ArrayBuffer((width * height + 3) & ~3);
    this.data = new Uint8Array(room, 0, width * height);
    this.words = new Uint32Array(room);
    this.revision = 0;
    this.written = () => {}; // called with each rectangle that has changed
    this.committed = () => {}; // called when a change is complete
  }

  get whole() {
    return { left: 0, top: 0, right: this.width, bottom: this.height };
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Let `write(rectangle)` change what lies in a rectangle, which is cut to the mask first. */
  change(rectangle, write) {
    const part = this.clip(rectangle);
    if (part.left >= part.right || part.top >= part.bottom) return;
    for (const tile of this.#tiles(part)) {
      if (!this.#open.has(tile)) this.#open.set(tile, this.#read(tile));
    }
    write(part);
    this.written(part);
  }

  clip({ left, top, right, bottom }) {
    return {
      left: Math.max(0, Math.floor(left)),
      top: Math.max(0, Math.floor(top)),
      right: Math.min(this.width, Math.ceil(right)),
      bottom: Math.min(this.height, Math.ceil(bottom)),
    };
  }

  /** Close the change that is under way, so that it can be undone as one. False if it has changed nothing. */
  commit() {
    const before = new Map();
    for (const [tile, bytes] of this.#open) {
      if (!this.#equals(tile, bytes)) before.set(tile, pack(bytes));
    }
    this.#open.clear();
    if (!before.size) return false;
    this.#past.push(before);
    this.#future = [];
    this.#forgetOldest();
    this.#changed(before.keys());
    return true;
  }

  /** Take back the change that is under way. */
  rollback() {
    for (const [tile, bytes] of this.#open) this.#write(tile, bytes);
    this.#open.clear();
  }

  undo() {
    this.#swap(this.#past, this.#future);
  }

  redo() {
    this.#swap(this.#future, this.#past);
  }

  /** The smallest rectangle around all that is above `level`, or null. */
  bounds(level = KNOWN) {
    const { data, width, height } = this;
    let [left, right, top, bottom] = [width, 0, height, 0];
    for (let y = 0; y < height; y++) {
      const start = y * width;
      const end = start + width;
      let first = start;
      while (first < end && data[first] <= level) first++;
      if (first === end) continue;
      let last = end - 1;
      while (data[last] <= level) last--;
      left = Math.min(left, first - start);
      right = Math.max(right, last - start + 1);
      if (top === height) top = y;
      bottom = y + 1;
    }
    return bottom ? { left, top, right, bottom } : null;
  }

  /** All that is not black as [tile, packed bytes] pairs, for keeping. */
  packed() {
    for (const tile of this.#stale) {
      const bytes = this.#read(tile);
      if (bytes.some((value) => value > 0)) this.#kept.set(tile, pack(bytes));
      else this.#kept.delete(tile);
    }
    this.#stale.clear();
    return [...this.#kept];
  }

  /** Take over what `packed` gave, as the state without a history. */
  restore(tiles) {
    for (const [tile, pairs] of tiles) {
      const bytes = new Uint8Array(this.#area(tile));
      unpack(pairs, bytes);
      this.#write(tile, bytes);
      this.#kept.set(tile, pairs);
    }
    this.revision++;
  }

  #swap(from, to) {
    this.rollback();
    const tiles = from.pop();
    if (!tiles) return;
    const now = new Map();
    for (const [tile, pairs] of tiles) {
      const bytes = this.#read(tile);
      now.set(tile, pack(bytes));
      unpack(pairs, bytes);
      this.#write(tile, bytes);
    }
    to.push(now);
    this.#changed(tiles.keys());
  }

  #changed(tiles) {
    for (const tile of tiles) this.#stale.add(tile);
    this.revision++;
    this.committed();
  }

  #forgetOldest() {
    const bytes = (tiles) => [...tiles.values()].reduce((sum, pairs) => sum + pairs.length, 0);
    let sum = this.#past.reduce((all, tiles) => all + bytes(tiles), 0);
    while (sum > MOST_HISTORY && this.#past.length > 1) sum -= bytes(this.#past.shift());
  }

  *#tiles({ left, top, right, bottom }) {
    for (let row = Math.floor(top / TILE); row * TILE < bottom; row++) {
      for (let column = Math.floor(left / TILE); column * TILE < right; column++) yield row * this.#columns + column;
    }
  }

  #place(tile) {
    const left = (tile % this.#columns) * TILE;
    const top = Math.floor(tile / this.#columns) * TILE;
    return { left, top, right: Math.min(this.width, left + TILE), bottom: Math.min(this.height, top + TILE) };
  }

  #area(tile) {
    const { left, top, right, bottom } = this.#place(tile);
    return (right - left) * (bottom - top);
  }

  #read(tile) {
    const { left, top, right, bottom } = this.#place(tile);
    const bytes = new Uint8Array((right - left) * (bottom - top));
    for (let y = top, at = 0; y < bottom; y++, at += right - left) {
      bytes.set(this.data.subarray(y * this.width + left, y * this.width + right), at);
    }
    return bytes;
  }

  #write(tile, bytes) {
    const place = this.#place(tile);
    const across = place.right - place.left;
    for (let y = place.top, at = 0; y < place.bottom; y++, at += across) {
      this.data.set(bytes.subarray(at, at + across), y * this.width + place.left);
    }
    this.written(place);
  }

  #equals(tile, bytes) {
    const { left, top, right, bottom } = this.#place(tile);
    for (let y = top, at = 0; y < bottom; y++) {
      for (let i = y * this.width + left, end = y * this.width + right; i < end; i++, at++) {
        if (this.data[i] !== bytes[at]) return false;
      }
    }
    return true;
  }
}
