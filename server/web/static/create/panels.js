// What is folded away under the prompt: a chip each that tells what is set, and opens its panel.

import { FORMATS, PERFORMANCES, SAMPLERS, SCHEDULERS } from "../choices.js";
import { element } from "../element.js";
import { icon } from "../icons.js";
import { text } from "../texts.js";
import { choiceField, field, numberField, pills } from "./controls.js";
import { lorasField } from "./loras.js";
import { outline, ratio, shapesPanel } from "./shapes.js";
import { stylesPanel } from "./styles.js";

const MOST_PICTURES = 32;
const MOST_SEED = 2 ** 53;

// decided: what the form and its preset say together (see decided.js). Each panel: name, chip() → its words, root, show().
export function panels({ form, presets, styles, models, decided }) {
  return [
    presetPanel(form, presets, decided),
    named("styles", stylesChip(decided), stylesPanel({
      names: styles, chosen: decided.styles, choose: (names) => form.set({ style_selections: names }),
    })),
    named("performance", decided.performance, performancePanel(form, decided)),
    { ...named("shape", () => ratio(decided.size()), shapesPanel({
      sizes: decided.sizes(), chosen: decided.size, choose: (size) => form.set({ aspect_ratios_selection: size }),
    })), drawn: () => outline(decided.size()) },
    numberPanel(form),
    seedPanel(form),
    morePanel(form, models, decided),
  ];
}

const named = (name, chip, panel) => ({ name, chip, ...panel });

function stylesChip(decided) {
  return () => {
    const [first, ...others] = decided.styles();
    if (!first) return text("create.noStyle");
    return others.length ? text("create.styleMore", { first, count: others.length }) : first;
  };
}

function presetPanel(form, presets, decided) {
  const options = presets.map(({ name, installed }) => [name, name, installed ? "" : text("create.notInstalled")]);
  const choices = pills(text("create.preset"), "preset", options, {
    chosen: () => decided.preset().name,
    choose: (name) => form.set({ preset: presets.find((one) => one.active)?.name === name ? "" : name, ...FROM_PRESET }),
  });
  const missing = element("p", { class: "small" });
  const show = () => {
    choices.show();
    const wanting = !decided.preset().installed;
    missing.replaceChildren(...(wanting ? [text("create.presetMissing"), " ", element("a", { href: "#system" }, text("create.toSystem"))] : []));
  };
  return { name: "preset", chip: () => decided.preset().name, root: element("div", { class: "panel" }, choices.root, missing), show };
}

const FROM_PRESET = { style_selections: null, performance_selection: "", aspect_ratios_selection: "" };

function performancePanel(form, decided) {
  const options = Object.entries(PERFORMANCES).map(([name, steps]) => [name, name, text("create.steps", { count: steps })]);
  const choices = pills(text("create.performance"), "performance", options, {
    chosen: decided.performance, choose: (name) => form.set({ performance_selection: name }),
  });
  return { root: element("div", { class: "panel" }, choices.root), show: choices.show };
}

function numberPanel(form) {
  const range = element("input", {
    type: "range", min: 1, max: MOST_PICTURES, oninput: () => form.set({ image_number: Number(range.value) }),
  });
  const told = element("output", { class: "numbers" });
  const root = element("div", { class: "panel" }, field("image_number", text("create.number"), range), told);
  const show = () => {
    range.value = form.get("image_number");
    told.textContent = form.get("image_number");
  };
  return { name: "number", chip: () => text(form.get("image_number") === 1 ? "create.one" : "create.many", { count: form.get("image_number") }), root, show };
}

function seedPanel(form) {
  const number = element("input", {
    type: "number", min: 0, inputmode: "numeric",
    oninput: () => form.set({ image_seed: Number(number.value || 0), locked: number.value !== "" }),
  });
  const lock = element("button", { type: "button", onclick: () => form.set({ locked: !form.get("locked"), image_seed: Math.max(0, form.get("image_seed")) }) });
  const roll = element("button", {
    type: "button", onclick: () => form.set({ image_seed: Math.floor(Math.random() * MOST_SEED), locked: true }),
  }, icon("dice"), text("create.roll"));
  const root = element("div", { class: "panel" }, field("image_seed", text("create.seed"), number, text("create.seedHint")), element("div", { class: "row" }, lock, roll));
  const show = () => {
    const locked = form.get("locked");
    if (document.activeElement !== number) number.value = form.get("image_seed") >= 0 ? form.get("image_seed") : "";
    number.placeholder = text("create.randomSeed");
    lock.setAttribute("aria-pressed", locked);
    lock.replaceChildren(icon(locked ? "lock" : "unlock"), text(locked ? "create.locked" : "create.unlocked"));
  };
  return { name: "seed", chip: () => (form.get("locked") ? `${text("create.seed")} ${form.get("image_seed")}` : text("create.randomSeed")), root, show };
}

function morePanel(form, models, decided) {
  const negative = element("textarea", { rows: 2, oninput: () => form.set({ negative_prompt: negative.value }) });
  const numbers = [
    ["guidance_scale", { min: 1, max: 30, step: 0.1 }], ["sharpness", { min: 0, max: 30, step: 0.1 }],
    ["overwrite_step", { min: 1, max: 200 }], ["clip_skip", { min: 1, max: 12 }],
  ].map(([name, range]) => numberField(form, name, text(`fields.${name}`), { ...range, preset: decided.field }));
  const choices = [
    ["base_model_name", () => models.model_filenames], ["sampler_name", () => SAMPLERS],
    ["scheduler_name", () => SCHEDULERS], ["output_format", () => FORMATS],
  ].map(([name, names]) => choiceField(form, name, text(`fields.${name}`), names, decided.field));
  const loras = lorasField(form, models.lora_filenames, decided);
  const reset = element("button", { type: "button", class: "quiet", onclick: form.clear }, text("create.reset"));
  const root = element(
    "div", { class: "panel" },
    field("negative_prompt", text("fields.negative_prompt"), negative, text("create.negativeHint")),
    element("div", { class: "pairs" }, choices.map((one) => one.root), numbers.map((one) => one.root)),
    loras.root, element("div", { class: "row end" }, reset),
  );
  const show = () => {
    if (document.activeElement !== negative) negative.value = form.get("negative_prompt");
    for (const one of [...numbers, ...choices, loras]) one.show();
  };
  return { name: "more", chip: () => text("create.more"), root, show };
}
