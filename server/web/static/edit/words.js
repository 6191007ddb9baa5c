// Name an object and it is masked.
import { combine } from "./combine.js";
import { greyOf } from "./png.js";

export function words(desk, app) {
  const { element, text } = app;
  const name = element("input", {
    type: "text",
    class: "edit-name",
    "aria-label": text("edit.name"),
    placeholder: text("edit.namePlaceholder"),
    enterkeyhint: "search",
    autocomplete: "off",
  });
  const told = element("span", { class: "edit-help", role: "status" });
  const form = element(
    "form",
    { class: "edit-row", onsubmit: (event) => (event.preventDefault(), find()) },
    name,
    element("button", { type: "submit", class: "primary" }, text("edit.find")),
  );

  async function find() {
    const wanted = name.value.trim();
    const { mask, version } = desk;
    if (!wanted || !mask) return name.focus();
    told.textContent = "";
    const asked = { image: version.url, mask_model: "sam", dino_prompt_text: wanted, detail: true };
    await desk.during(text("edit.looking"), async (signal) => {
      const found = await app.api.post("v1/tools/generate_mask", asked, { signal });
      if (desk.mask !== mask) return;
      if (found.warnings.length) desk.complain(found.warnings.join(" "));
      if (!found.objects.length) return void (told.textContent = text("edit.foundNothing", { name: wanted }));
      combine(mask, (await greyOf(found.mask)).data, desk.modeOf());
      told.textContent = text("edit.found", { things: found.objects.map(described).join(", ") });
    });
  }

  const described = ({ phrase, score }) => (score === null ? phrase : `${phrase} ${Math.round(score * 100)} %`);
  return {
    id: "words",
    pans: true,
    options: ["mode"],
    modes: ["new", "add", "remove"],
    panel: [form, told],
    focus: () => name.focus(),
  };
}
