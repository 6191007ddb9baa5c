// The LoRAs of a request, each with its weight.

import { element } from "../element.js";
import { icon } from "../icons.js";
import { text } from "../texts.js";

const LEAST = -2;
const MOST = 2;

export function lorasField(form, names, decided) {
  const list = element("div", { class: "loras" });
  const add = element("select", { "aria-label": text("create.loraAdd"), onchange: join });
  const used = () => form.get("loras") ?? decided.loras();

  function join() {
    form.set({ loras: [...used(), { enabled: true, model_name: add.value, weight: 0.5 }] });
    show();
  }

  function change(index, news) {
    form.set({ loras: used().map((one, at) => (at === index ? { ...one, ...news } : one)) });
  }

  function row(lora, index) {
    const weight = element("input", {
      type: "number", min: LEAST, max: MOST, step: 0.05, value: lora.weight, class: "weight",
      "aria-label": text("create.loraWeight", { name: lora.model_name }),
      onchange: () => change(index, { weight: Number(weight.value) }),
    });
    const drop = element("button", {
      type: "button", class: "icon", "aria-label": text("create.loraRemove", { name: lora.model_name }),
      onclick: () => (form.set({ loras: used().filter((_, at) => at !== index) }), show()),
    }, icon("close"));
    return element("div", { class: "row tight" }, element("span", { class: "lora" }, lora.model_name), weight, drop);
  }

  function show() {
    list.replaceChildren(...used().map(row));
    const free = names.filter((name) => !used().some((one) => one.model_name === name));
    add.replaceChildren(element("option", { value: "" }, text("create.loraAdd")), ...free.map((name) => element("option", { value: name }, name)));
    add.hidden = free.length === 0;
  }

  const title = element("h3", {}, text("fields.loras"));
  return { root: element("div", { class: "field", dataset: { field: "loras" } }, title, list, add), show };
}
