// Single controls of the form, each bound to one of its fields.

import { element } from "../element.js";
import { text } from "../texts.js";

let count = 0;

// A field with its label; hint is said below it. name: the API's, by which an error finds its field.
export function field(name, label, control, hint = "") {
  count += 1;
  control.id = `field-${count}`;
  control.dataset.field = name;
  return element("div", { class: "field" }, element("label", { for: control.id }, label), control, hint && element("small", {}, hint));
}

// A number, or nothing: the preset's own, which the placeholder tells.
export function numberField(form, name, label, { min, max, step = 1, preset = () => "" }) {
  const input = element("input", {
    type: "number", min, max, step, inputmode: "decimal",
    oninput: () => form.set({ [name]: input.value === "" ? null : Number(input.value) }),
  });
  const show = () => {
    if (document.activeElement !== input) input.value = form.get(name) ?? ""; // half a number is not to be taken away
    input.placeholder = text("create.presetSays", { value: preset(name) });
  };
  return { root: field(name, label, input), show };
}

// One of several names, or nothing: the preset's own.
export function choiceField(form, name, label, names, preset = () => "") {
  const select = element("select", { onchange: () => form.set({ [name]: select.value }) });
  const show = () => {
    const own = text("create.presetSays", { value: preset(name) });
    const offered = names().includes(form.get(name)) || !form.get(name) ? names() : [form.get(name), ...names()];
    select.replaceChildren(element("option", { value: "" }, own), ...offered.map((one) => element("option", { value: one }, one)));
    select.value = form.get(name);
  };
  return { root: field(name, label, select), show };
}

// Radio buttons that look like pills. options: [[value, label, small]].
export function pills(label, name, options, { chosen, choose }) {
  const made = options.map(([value, words, small = ""]) => {
    const input = element("input", { type: "radio", class: "unseen", name, value, onchange: () => choose(value) });
    return element("label", { class: "pill choice" }, input, words, small && element("small", { class: "faint" }, small));
  });
  const show = () => made.forEach((one) => (one.control.checked = one.control.value === chosen()));
  return { root: element("div", { class: "row", role: "radiogroup", "aria-label": label }, made), show };
}
