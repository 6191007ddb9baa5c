// What is worked on: the picture's versions, the mask of the one that is shown, and the chosen tool.
import { Mask } from "./mask.js";
import { keep, kept } from "./keeping.js";
import { bitmapOf, upload, versionOf } from "./version.js";

const KEEP_AFTER_MS = 250;
const MOST_VERSIONS = 60;

/** Tells of itself by events: "version" (another picture is shown), "versions", "mask", "tool", "margins", "busy", "problem". */
export class Desk extends EventTarget {
  #timer = 0;
  #kept = true;
  #restoring = null;
  #leave = null; // how to call off what is under way

  constructor(app, view) {
    super();
    Object.assign(this, { app, view, tools: {}, tool: { id: "none" }, mask: null, version: null, versions: [] });
    this.brush = { size: 48, softness: 0 };
    this.modes = {};
    this.margins = [0, 0, 0, 0];
    this.target = null; // { shape, anchor }: the server then works the margins out itself
    this.words = "";
    this.options = {};
    this.task = null; // what is being painted: { id, version, revision, margins }
    this.busy = "";
    this.cross = () => {};
  }

  get ready() {
    return this.mask !== null;
  }

  /** Whether the mask must not be changed just now. */
  get locked() {
    const painted = this.task !== null && this.task.version === this.version?.id;
    return Boolean(this.busy) || painted || this.view.before !== null;
  }

  tell(what) {
    this.dispatchEvent(new Event(what));
  }

  choose(id) {
    if (this.tool.id === id || !this.tools[id]) return;
    this.tool = this.tools[id];
    this.complain("");
    this.tell("tool");
    this.#later();
  }

  /** What a tool does to the mask: Alt removes, Shift adds, else as was chosen for it. */
  modeOf(event) {
    if (event?.altKey) return "remove";
    if (event?.shiftKey) return "add";
    return this.modes[this.tool.id] ?? this.tool.modes?.[0] ?? "add";
  }

  setMode(mode) {
    this.modes[this.tool.id] = mode;
    this.tell("tool");
  }

  setBrush(changes) {
    Object.assign(this.brush, changes);
    this.brush.size = Math.min(2048, Math.max(1, this.brush.size));
    this.tell("brush");
    this.#later();
  }

  setMargins(margins, target = null) {
    this.margins = margins.map((pixels) => Math.max(0, Math.round(pixels)));
    this.target = target;
    this.view.margins = this.margins;
    this.view.redraw();
    this.tell("margins");
    this.#later();
  }

  say(changes) {
    Object.assign(this, changes);
    this.#later();
  }

  complain(words) {
    this.problem = words;
    this.tell("problem");
  }

  /** Do something that takes a while; the mask waits, Escape calls it off, and what goes wrong is told beside the tool. */
  async during(words, work) {
    if (this.busy) return undefined;
    this.busy = words;
    this.#leave = new AbortController();
    this.complain("");
    this.tell("busy");
    try {
      return await work(this.#leave.signal);
    } catch (error) {
      if (error.name !== "AbortError") this.complain(error.message);
      return undefined;
    } finally {
      this.busy = "";
      this.tell("busy");
    }
  }

  /** Call off what is under way. False if nothing is. */
  leave() {
    if (!this.busy) return false;
    this.#leave.abort();
    return true;
  }

  /** Begin with a picture: a file that a person gave, or the URL of one that the server has. */
  open({ file, url }) {
    const words = this.app.text("edit.opening");
    return this.during(words, async (signal) => {
      const source = file ? await upload(this.app, file, file.name || "picture.png", signal) : url;
      await this.add(await versionOf(this.app, { url: source }));
    });
  }

  /** Add a version, and show it unless `aside`. */
  async add(version, { aside = false } = {}) {
    this.versions.push(version);
    if (this.versions.length > MOST_VERSIONS) this.versions.splice(this.versions[0] === this.version ? 1 : 0, 1);
    if (aside) this.#changed();
    else await this.show(version);
  }

  /** Go to a version: its picture, with the mask and the margins that it was left with. */
  async show(version) {
    const bitmap = await bitmapOf(this.app, version);
    this.#putAside();
    this.version = version;
    this.#set(bitmap, version.tiles ?? []);
    this.setMargins(version.margins ?? [0, 0, 0, 0], version.target ?? null);
    this.view.fit();
    this.#changed();
  }

  remove(version) {
    this.versions = this.versions.filter((one) => one !== version);
    this.#changed();
  }

  /** Put everything away. */
  clear() {
    Object.assign(this, { versions: [], version: null, mask: null, target: null, margins: [0, 0, 0, 0] });
    this.view.clear();
    this.complain("");
    this.#changed();
  }

  /** Take up what was on the desk before the page was left. */
  restore() {
    this.#restoring ??= this.#restore();
    return this.#restoring;
  }

  async #restore() {
    const state = await kept().catch(() => undefined);
    if (!state?.versions?.length) return;
    Object.assign(this.brush, state.brush);
    Object.assign(this, { words: state.words, options: state.options ?? {}, task: state.task ?? null });
    this.versions = state.versions;
    if (state.tool) this.choose(state.tool);
    const version = this.versions.find((one) => one.id === state.current) ?? this.versions.at(-1);
    try {
      await this.show(version);
    } catch (error) {
      this.remove(version);
      this.complain(error.message);
    }
  }

  #set(bitmap, tiles) {
    this.mask = new Mask(bitmap.width, bitmap.height);
    this.mask.restore(tiles);
    this.mask.committed = () => {
      this.tell("mask");
      this.#later();
    };
    this.view.show(bitmap, this.mask);
  }

  /** Keep with the version that is shown what is marked on it. */
  #putAside() {
    if (!this.version || !this.mask) return;
    Object.assign(this.version, { tiles: this.mask.packed(), margins: this.margins, target: this.target });
  }

  #changed() {
    this.tell("version");
    this.tell("mask");
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keep(), KEEP_AFTER_MS);
  }

  /** Keep at once what was going to be kept: the page is being left. */
  flush() {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#keep();
  }

  async #keep() {
    this.#timer = 0;
    this.#putAside();
    const { versions, brush, words, options, task } = this;
    const state = { versions, brush, words, options, task, tool: this.tool.id, current: this.version?.id ?? null };
    try {
      await keep(state);
    } catch {
      if (this.#kept) this.app.notice(this.app.text("edit.notKept"));
      this.#kept = false;
    }
  }
}
