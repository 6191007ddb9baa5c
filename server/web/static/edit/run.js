// Run: what was marked goes to the server, its progress is shown over the picture, its results are the next versions.
import { fileOf, greyPng } from "./png.js";
import { sides } from "./outpaint.js";
import { upload, versionOf } from "./version.js";

const OTHERS = ["uov_input_image", "uov_method", "upscale_multiple", "aspect_ratios_selection"]; // of what is made elsewhere

/** show(event, words): called with how the task is; null when there is none. */
export function run(desk, app, show) {
  const { text } = app;
  let leave = null;

  /** Send what is on the desk. */
  async function start() {
    if (!desk.ready || desk.task || desk.busy) return;
    const { mask, margins, version } = desk;
    const masked = mask.bounds();
    if (!masked && !sides(margins).length) return show(null, text("edit.nothingMarked"));
    show({ state: "sending", progress: 0 });
    const sent = { version: version.id, revision: mask.revision, margins, words: desk.words.trim() };
    try {
      const request = { ...base(), ...edit(version, sent), ...extension(desk) };
      if (masked) request.inpaint_mask_image_upload = await upload(app, await greyPng(mask.data, mask.width, mask.height), "mask.png");
      const id = await app.tasks.submit(request, { view: "edit" });
      desk.say({ task: { ...sent, id } });
      follow();
    } catch (error) {
      show(null, told(error));
    }
  }

  /** The fields that Create has, as far as they matter here. */
  function base() {
    const fields = app.form.request();
    for (const name of OTHERS) delete fields[name];
    return fields;
  }

  function edit(version, { words }) {
    const { strength, around, number } = desk.options;
    const fields = { inpaint_input_image: version.url, inpaint_additional_prompt: words, image_number: number ?? 1 };
    if (desk.margins.some(Boolean)) return fields; // strength and surroundings have no effect then
    if (strength !== undefined) fields.inpaint_strength = strength;
    if (around !== undefined) fields.inpaint_respective_field = around;
    return fields;
  }

  /** Follow the task that is on the desk, also one from before a reload. */
  function follow() {
    if (!desk.task || leave) return;
    show({ state: "waiting", progress: 0, position: 0, wait: -1 });
    leave = app.tasks.watch(desk.task.id, (event) => {
      if (!desk.task || event.id !== desk.task.id) return;
      if (["finished", "stopped", "failed", "gone"].includes(event.state)) return void end(event);
      show(event);
      preview(event);
    });
    if (!desk.task) leave(); // it had ended already
  }

  async function end(event) {
    const { task } = desk;
    desk.say({ task: null });
    app.tasks.forget(task.id); // its results are in the strip of versions from now on
    setTimeout(() => {
      leave?.();
      leave = null;
    });
    desk.view.preview = null;
    desk.view.redraw();
    try {
      await take(event, task);
      const words = event.state === "failed" ? event.error : event.state === "gone" ? text("edit.gone") : "";
      show(null, words, event.warnings);
    } catch (error) {
      show(null, told(error), event.warnings);
    }
  }

  /** Make the results versions; show the first, if the person is still at what it was made from. */
  async function take({ results }, task) {
    const at = { x: task.margins[0], y: task.margins[1] };
    const from = { parent: task.version, at, words: task.words };
    const made = await Promise.all(results.map((url) => versionOf(app, { url, ...from })));
    const stays = desk.version?.id === task.version;
    for (const version of made) await desk.add(version, { aside: true });
    if (made[0] && stays) await desk.show(made[0]);
    else if (made[0]) app.notice(text("edit.doneAside"), { kind: "good" });
  }

  /** Show what is being painted where it is painted: of the part that the model sees only what is masked. */
  let last = "";
  async function preview(event) {
    if (!event.preview || event.preview === last || desk.version?.id !== desk.task?.version || desk.view.before) return;
    last = event.preview;
    const bitmap = await createImageBitmap(fileOf(event.preview.replace(/^data:[^,]*,/, "")));
    if (!desk.task || event.id !== desk.task.id || !event.effective) return;
    const { inner, painted, box } = pass(event);
    const [left, top] = [box[0] - desk.task.margins[0], box[1] - desk.task.margins[1]];
    const place = [left, top, left + box[2] - box[0], top + box[3] - box[1]];
    const across = Math.max(1, Math.round((bitmap.width * inner[0]) / painted[0]));
    const down = Math.max(1, Math.round((bitmap.height * inner[1]) / painted[1]));
    desk.view.preview = { canvas: seen(bitmap, across, down, place), box: place };
    desk.view.redraw();
  }

  /** Which of several runs it is at. */
  function pass({ effective, progress }) {
    const all = [effective, ...(effective.further ?? [])];
    return all[Math.min(all.length - 1, Math.floor((progress / 100) * all.length))];
  }

  function seen(bitmap, across, down, place) {
    const canvas = new OffscreenCanvas(across, down);
    const drawing = canvas.getContext("2d", { willReadFrequently: true });
    drawing.drawImage(bitmap, 0, 0);
    bitmap.close();
    const image = drawing.getImageData(0, 0, across, down);
    const { mask } = desk;
    for (let y = 0, i = 3; y < down; y++) {
      const my = Math.floor(place[1] + ((y + 0.5) / down) * (place[3] - place[1]));
      for (let x = 0; x < across; x++, i += 4) {
        const mx = Math.floor(place[0] + ((x + 0.5) / across) * (place[2] - place[0]));
        const inside = mx >= 0 && my >= 0 && mx < mask.width && my < mask.height;
        image.data[i] = inside ? mask.data[my * mask.width + mx] : 255;
      }
    }
    drawing.putImageData(image, 0, 0);
    return canvas;
  }

  const told = (error) => (error.hint && !error.message.includes(error.hint) ? `${error.hint}: ${error.message}` : error.message);
  const stop = () => desk.task && app.tasks.stop(desk.task.id).catch((error) => show(null, told(error)));
  return { start, follow, stop };
}

function extension({ margins, target }) {
  if (target) return { outpaint_target: target.shape, outpaint_anchor: target.anchor };
  const chosen = sides(margins);
  return chosen.length ? { outpaint_selections: chosen, outpaint_distance: margins } : {};
}
