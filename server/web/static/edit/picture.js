// The picture on the stage: zoom, pan, and what is drawn when. Painting redraws the changed part of the tint alone.
import { drawing as svg, element } from "../element.js";
import { ground, smaller } from "./ground.js";
import { tint } from "./tint.js";

const MOST_TINT = 4e6; // screen pixels: on larger screens the tint is drawn coarser
const LARGEST = 40; // screen pixels a picture's pixel
const MOST_AT_FIRST = 12;
const AIR = 28; // CSS pixels around a picture that fits

/** "Stage" coordinates are CSS pixels from the stage's top left corner, "picture" ones the picture's pixels. */
export class View {
  #ground = element("canvas", { class: "edit-ground" });
  #tint = element("canvas", { class: "edit-tint" });
  #line = [svg("polyline", { class: "edit-line under" }), svg("polyline", { class: "edit-line" })];
  #marks = svg("svg", { class: "edit-marks", "aria-hidden": "true" }, ...this.#line);
  #frame = 0;
  #all = true; // whether everything must be drawn, not only what the mask has changed
  #changed = null;
  #outline = null;
  #fits = true;

  constructor(stage) {
    Object.assign(this, { stage, scale: 1, x: 0, y: 0, width: 0, height: 0, sizes: [], margins: [0, 0, 0, 0] });
    Object.assign(this, { mask: null, before: null, split: 0.5, preview: null, tinted: true, moved: () => {} });
    stage.prepend(this.#ground, this.#tint, this.#marks);
    new ResizeObserver(() => this.#resize()).observe(stage);
  }

  /** Show a picture (an ImageBitmap) and its mask. */
  show(bitmap, mask) {
    for (const old of this.sizes.slice(1)) old.width = 0;
    this.sizes = smaller(bitmap);
    [this.width, this.height] = [bitmap.width, bitmap.height];
    Object.assign(this, { mask, before: null, preview: null, margins: [0, 0, 0, 0] });
    mask.written = (part) => this.#write(part);
    this.outline(null);
    this.fit();
  }

  /** Show nothing. */
  clear() {
    Object.assign(this, { sizes: [], mask: null, before: null, preview: null });
    this.outline(null);
    this.redraw();
  }

  fit() {
    const [left, top, right, bottom] = this.margins;
    const [wide, high] = [this.width + left + right, this.height + top + bottom];
    const { clientWidth, clientHeight } = this.stage;
    const room = (length) => Math.max(40, length - 2 * AIR);
    this.scale = Math.min(room(clientWidth) / wide, room(clientHeight) / high, MOST_AT_FIRST) || 1;
    this.x = (clientWidth - wide * this.scale) / 2 + left * this.scale;
    this.y = (clientHeight - high * this.scale) / 2 + top * this.scale;
    this.#fits = true;
    this.redraw();
  }

  /** Zoom by a factor, so that what is at a place of the stage (its middle, if not given) stays there. */
  zoom(factor, at = { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 }) {
    const least = Math.min(1, 40 / Math.max(this.width, this.height));
    const scale = Math.min(LARGEST, Math.max(least, this.scale * factor));
    this.x = at.x - ((at.x - this.x) / this.scale) * scale;
    this.y = at.y - ((at.y - this.y) / this.scale) * scale;
    this.scale = scale;
    this.#fits = false;
    this.redraw();
  }

  pan(dx, dy) {
    const within = (at, length, room) => Math.min(room - 32, Math.max(32 - length * this.scale, at));
    this.x = within(this.x + dx, this.width, this.stage.clientWidth);
    this.y = within(this.y + dy, this.height, this.stage.clientHeight);
    this.#fits = false;
    this.redraw();
  }

  /** From a place of the window to the picture. */
  toPicture(clientX, clientY) {
    const box = this.stage.getBoundingClientRect();
    return { x: (clientX - box.left - this.x) / this.scale, y: (clientY - box.top - this.y) / this.scale };
  }

  /** From the picture to the stage. */
  toStage({ x, y }) {
    return { x: x * this.scale + this.x, y: y * this.scale + this.y };
  }

  /** Draw a dashed line through picture points; null takes it away. */
  outline(points) {
    this.#outline = points;
    this.#plan();
  }

  /** Draw everything anew with the next frame. */
  redraw() {
    this.#all = true;
    this.#plan();
  }

  #write(part) {
    const old = this.#changed;
    this.#changed = old
      ? {
          left: Math.min(old.left, part.left),
          top: Math.min(old.top, part.top),
          right: Math.max(old.right, part.right),
          bottom: Math.max(old.bottom, part.bottom),
        }
      : part;
    this.#plan();
  }

  #plan() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #resize() {
    if (this.#fits && this.width) this.fit();
    this.redraw();
  }

  #draw() {
    if (this.#outline) for (const line of this.#line) line.setAttribute("points", this.#points());
    this.#marks.toggleAttribute("hidden", !this.#outline);
    const changed = this.#changed;
    this.#changed = null;
    if (!this.#all) {
      if (changed) this.#drawTint(changed);
      return;
    }
    if (!this.stage.clientWidth) return; // the view is hidden; it is drawn when its size comes back
    this.#all = false;
    this.#measure(this.#ground, devicePixelRatio);
    ground(this.#ground, this, devicePixelRatio);
    this.#measure(this.#tint, this.#density());
    this.#drawTint(null);
    this.moved();
  }

  #points() {
    return this.#outline
      .map((point) => this.toStage(point))
      .map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`)
      .join(" ");
  }

  /** The tint of a part of the picture, or of all (null). */
  #drawTint(part) {
    const density = this.#density();
    const canvas = this.#tint;
    const drawing = canvas.getContext("2d");
    const all = { left: 0, top: 0, right: canvas.width, bottom: canvas.height };
    if (!part) drawing.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.mask || !this.tinted || this.preview) return;
    const at = { x: this.x * density, y: this.y * density, scale: this.scale * density };
    const shown = part ?? this.mask.whole;
    tint(drawing, this.mask, at, {
      left: Math.max(all.left, Math.floor(shown.left * at.scale + at.x) - 1),
      top: Math.max(all.top, Math.floor(shown.top * at.scale + at.y) - 1),
      right: Math.min(all.right, Math.ceil(shown.right * at.scale + at.x) + 1),
      bottom: Math.min(all.bottom, Math.ceil(shown.bottom * at.scale + at.y) + 1),
    });
  }

  #density() {
    const area = this.stage.clientWidth * this.stage.clientHeight || 1;
    return Math.min(devicePixelRatio, Math.sqrt(MOST_TINT / area));
  }

  #measure(canvas, density) {
    const width = Math.round(this.stage.clientWidth * density);
    const height = Math.round(this.stage.clientHeight * density);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
  }
}
