// All that is known of how a picture was made, as a list.

import { element } from "../element.js";
import { language, text } from "../texts.js";

const SHOWN = [
  "negative_prompt", "checkpoint", "preset", "styles", "performance", "steps", "guidance_scale", "sharpness", "sampler",
  "scheduler", "clip_skip", "vae", "loras", "strength", "upscaler",
];

// Shows at once what the search told, and the rest when the task's record has come.
export function facts(picture, { api }) {
  const list = element("dl", { class: "facts" });
  const line = (name, value) => [element("dt", {}, name), element("dd", {}, `${value}`)];
  const first = [
    line(text("facts.seed"), picture.seed),
    line(text("facts.size"), `${picture.width}×${picture.height}`),
    line(text("facts.kind"), text(`kinds.${picture.kind}`)),
    line(text("facts.made"), new Date(picture.made_at).toLocaleString(language)),
  ];
  list.append(...first.flat());
  api.get(`tasks/${picture.task_id}`).then(
    ({ effective_params: used, warnings }) => {
      const told = SHOWN.filter((name) => said(used[name])).map((name) => line(text(`facts.${name}`), spelled(used[name])));
      list.append(...told.flat(), ...warnings.flatMap((one) => line(text("facts.warning"), one)));
    },
    () => {}, // what the search told is shown; the record may have been deleted meanwhile
  );
  return list;
}

const said = (value) => value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && !value.length);

function spelled(value) {
  if (Array.isArray(value)) return value.map(spelled).join(", ");
  if (typeof value === "object") return Object.values(value).join(" ");
  return value;
}
