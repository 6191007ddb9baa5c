// The form of the Create view: the prompt first; Ctrl+Enter sends it.

import { element } from "../element.js";
import { icon } from "../icons.js";
import { text } from "../texts.js";
import { decided } from "./decided.js";
import { panels } from "./panels.js";

// All that the panels have to offer. Rejects with an ApiError.
export async function catalogPanels({ form, catalog }) {
  const [presets, styles, models] = await Promise.all([catalog.presets(), catalog.styles(), catalog.models()]);
  return panels({ form, presets, styles, models, decided: decided(form, presets) });
}

export function composer(app, { onSent }) {
  const { form, tasks } = app;
  const prompt = element("textarea", {
    id: "prompt", rows: 4, placeholder: text("create.placeholder"), dataset: { field: "prompt" },
    oninput: () => form.set({ prompt: prompt.value }),
  });
  const chips = element("div", { class: "chips" });
  const open = element("div", { class: "open" });
  const problem = element("p", { class: "problem", role: "alert" });
  const go = element("button", { type: "submit", class: "primary go" }, icon("spark"), text("create.go"));
  const root = element(
    "form",
    { class: "composer", onsubmit: (event) => (event.preventDefault(), send()) },
    element("h1", { class: "unseen" }, text("views.create")),
    element("label", { for: "prompt", class: "unseen" }, text("create.prompt")),
    prompt,
    element("div", { class: "row send" }, go, element("small", { class: "faint keys" }, text("create.keys"))),
    problem,
    chips,
    open,
  );
  root.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) (event.preventDefault(), send());
  });

  let all = [];
  let shown = "";
  form.onChange(show);

  async function send() {
    if (go.disabled) return;
    complain(null);
    go.disabled = true;
    try {
      document.activeElement?.blur?.(); // what is being typed is taken before it is sent
      prompt.focus();
      await tasks.submit(form.request(), { view: "create" });
      onSent();
    } catch (error) {
      complain(error);
    } finally {
      go.disabled = false;
    }
  }

  // Shown where it arose: at the field that the server blames, whose panel is opened, and under the button.
  function complain(error) {
    for (const wrong of root.querySelectorAll("[aria-invalid]")) wrong.removeAttribute("aria-invalid");
    const at = error?.hint && (error.hint in PANEL_OF ? PANEL_OF[error.hint] : "more");
    problem.textContent = error ? (error.hint ? `${named(error.hint)}: ${error.message}` : error.message) : "";
    if (!at) return;
    if (at !== "prompt") flip(at, true);
    root.querySelector(`[data-field="${error.hint}"]`)?.setAttribute("aria-invalid", "true");
  }

  function flip(name, stay = false) {
    shown = shown === name && !stay ? "" : name;
    open.replaceChildren(...all.filter((panel) => panel.name === shown).map((panel) => panel.root));
    show();
  }

  function fill(made) {
    all = made;
    chips.replaceChildren(...all.map((panel) =>
      element("button", { type: "button", class: "chip", dataset: { panel: panel.name }, "aria-expanded": "false", onclick: () => flip(panel.name) })));
    flip(shown, true);
  }

  function show() {
    if (prompt.value !== form.get("prompt")) prompt.value = form.get("prompt");
    for (const [at, panel] of all.entries()) {
      const chip = chips.children[at];
      chip.setAttribute("aria-expanded", panel.name === shown);
      const label = `${text(`create.${panel.name}`)}: ${panel.chip()}`;
      if (chip.getAttribute("aria-label") !== label) {
        chip.setAttribute("aria-label", label); // only where it has changed: what is drawn anew while it is pressed is not clicked
        chip.replaceChildren(...[panel.drawn?.(), element("span", {}, panel.chip()), icon("chevron")].filter(Boolean));
      }
      if (panel.name === shown) panel.show();
    }
  }

  return { root, fill, complain, show };
}

const PANEL_OF = {
  prompt: "prompt",
  preset: "preset",
  style_selections: "styles",
  performance_selection: "performance",
  aspect_ratios_selection: "shape",
  image_number: "number",
  image_seed: "seed",
};

const FIELDS = [
  "negative_prompt", "base_model_name", "sampler_name", "scheduler_name", "output_format", "guidance_scale",
  "sharpness", "overwrite_step", "clip_skip", "loras",
];

function named(field) {
  if (FIELDS.includes(field)) return text(`fields.${field}`);
  return field in PANEL_OF ? text(`create.${PANEL_OF[field]}`) : field;
}
