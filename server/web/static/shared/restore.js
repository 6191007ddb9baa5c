// From a picture back to what made it: into the form, to be sent again or changed.

import { DEFAULTS } from "../form.js";
import { text } from "../texts.js";
import { dataUrl } from "./drop.js";

// What a picture's own metadata tells: { request, metadata, exact, warnings }. picture: a URL of the server's, or a data URL.
export const reading = (picture, api) => api.post("v1/tools/read-metadata", { image: picture });

// A file that somebody dropped.
export async function restoreFrom(file, app) {
  try {
    const told = await reading(await dataUrl(file), app.api);
    again(told, app);
    for (const one of told.warnings) app.notice(one);
  } catch (error) {
    app.notice(text("restore.failed", { name: file.name, why: error.message }), { kind: "error" });
  }
}

// A picture of the gallery: by its metadata, and where it has none by its task.
export async function againFrom(picture, app) {
  try {
    again(await requestOf(picture, app.api), app);
  } catch (error) {
    app.notice(error.message, { kind: "error" });
  }
}

export async function requestOf(picture, api) {
  try {
    return await reading(picture.url, api);
  } catch (error) {
    if (error.status !== 422 || !picture.task_id) throw error;
    const { req_params: request, effective_params: effective } = await api.get(`tasks/${picture.task_id}`);
    return { request: { ...request, ...from(effective), image_seed: picture.seed, image_number: 1 } };
  }
}

// Fill the form with a request and show it. effective: what was really used, which wins where it is known.
export function again({ request, effective }, app) {
  const whole = { ...request, ...from(effective) };
  const known = Object.fromEntries(Object.entries(whole).filter(([name]) => name in DEFAULTS));
  if (!(known.overwrite_step > 0)) delete known.overwrite_step;
  known.loras = known.loras?.filter((one) => one.enabled && one.model_name !== "None") ?? null;
  const edit = ["inpaint_input_image", "uov_input_image"].find((name) => whole[name]);
  app.form.set({ ...DEFAULTS, ...known, uov_input_image: "", uov_method: "", locked: (known.image_seed ?? -1) >= 0 });
  app.open("create");
  app.notice(text(edit ? "restore.withoutPicture" : "restore.done"), { kind: "good" });
}

// The request's own names for what a record tells in `effective_params`.
function from(effective) {
  if (!effective) return {};
  return {
    base_model_name: effective.checkpoint,
    style_selections: effective.styles,
    performance_selection: effective.performance,
    aspect_ratios_selection: `${effective.width}*${effective.height}`,
    guidance_scale: effective.guidance_scale,
    sharpness: effective.sharpness,
    sampler_name: effective.sampler,
    scheduler_name: effective.scheduler,
    clip_skip: effective.clip_skip,
    overwrite_step: effective.steps,
    preset: effective.preset,
  };
}
