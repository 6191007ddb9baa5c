// What can be done with a picture, wherever it is shown.

import { element } from "../element.js";
import { icon } from "../icons.js";
import { text } from "../texts.js";
import { againFrom } from "./restore.js";

const VARY = ["Vary (Subtle)", "Vary (Strong)"];
const ENLARGE = ["Upscale (1.5x)", "Upscale (2x)", "Upscale (Fast 2x)"];

// few: only what is wanted most, for small places. done(): called when one leads away from where the picture is shown.
export function pictureActions(picture, app, { few = false, done = () => {} } = {}) {
  const button = (name, sign, run) =>
    element("button", { class: "quiet", dataset: { action: name }, onclick: run }, icon(sign), text(`actions.${name}`));
  const leave = (run) => () => (done(), run());
  const common = [
    button("edit", "brush", leave(() => app.open("edit", { url: picture.url }))),
    menu("vary", "vary", VARY, (method) => (done(), rework(picture, method, app))),
    menu("upscale", "enlarge", ENLARGE, (method) => (done(), rework(picture, method, app))),
    button("again", "redo", leave(() => againFrom(picture, app))),
  ];
  const mask = button("mask", "mask", leave(() => app.open("edit", { mask: picture.url })));
  return few ? common : [...common, mask, download(picture, app)];
}

export function download(picture, { api }) {
  const name = picture.file ?? decodeURIComponent(api.here(picture.url).split("?")[0].split("/").pop());
  return element("a", { class: "button plain", href: api.here(picture.url), download: name }, icon("download"), text("actions.download"));
}

// A button that opens a few choices; Escape and the loss of focus close it.
export function menu(name, sign, choices, choose) {
  const box = element("details", { class: "menu", dataset: { action: name } });
  const close = () => (box.open = false);
  box.append(
    element("summary", { class: "button plain" }, icon(sign), text(`actions.${name}`)),
    element("div", { class: "choices card" }, choices.map((one) =>
      element("button", { class: "quiet", onclick: () => (close(), choose(one)) }, text(`methods.${one.replace(/[^A-Za-z0-9]/g, "")}`)))),
  );
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.open) return;
    event.preventDefault();
    close();
    box.firstElementChild.focus();
  });
  box.addEventListener("focusout", (event) => box.contains(event.relatedTarget) || setTimeout(() => box.contains(document.activeElement) || close(), 150));
  return box;
}

async function rework(picture, method, app) {
  const { preset, base_model_name, output_format } = app.form.request();
  const request = {
    prompt: picture.prompt ?? "", negative_prompt: picture.negative_prompt ?? "", uov_input_image: picture.url, uov_method: method,
    ...(preset && { preset }), ...(base_model_name && { base_model_name }), output_format, image_number: 1,
  };
  try {
    await app.tasks.submit(request, { view: "create" });
    app.open("create");
  } catch (error) {
    app.notice(error.message, { kind: "error" });
  }
}
