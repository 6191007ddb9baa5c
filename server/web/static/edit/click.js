// Click an object and it is masked. Shift adds it, Alt takes it away; the model's other guesses are one click off.
import { combine } from "./combine.js";
import { greyOf } from "./png.js";

export function click(desk, app) {
  const { element, text } = app;
  const guesses = element("div", { class: "edit-choice", role: "group", "aria-label": text("edit.guesses"), hidden: true });
  const help = element("span", { class: "edit-help edit-held" }, text("edit.clickHelp"));
  let at = null;

  async function find(mode) {
    const { mask, version } = desk;
    const place = [Math.floor(at.x), Math.floor(at.y)];
    if (place[0] < 0 || place[1] < 0 || place[0] >= mask.width || place[1] >= mask.height) return;
    const asked = { image: version.url, mask_model: "sam", points: [place], labels: [1], multimask: true, detail: true };
    guesses.hidden = true;
    await desk.during(text("edit.looking"), async (signal) => {
      const found = await app.api.post("v1/tools/generate_mask", asked, { signal });
      if (desk.mask !== mask) return;
      const changed = take(await greyOf(found.mask), mode);
      if (found.warnings.length) desk.complain(found.warnings.join(" "));
      offer(found, mode, changed);
    });
  }

  function take(area, mode) {
    const changed = combine(desk.mask, area.data, mode);
    if (!changed) desk.complain(text("edit.nothingChanged"));
    return changed;
  }

  /** Buttons for the model's guesses; the best is in the mask already. changed: whether it had to be put there. */
  function offer({ objects }, mode, changed) {
    const several = objects[0]?.candidates ?? [];
    if (several.length < 2) return;
    let now = desk.mask.revision;
    const turn = async (chosen, guess) => {
      const area = await greyOf(guess);
      if (desk.mask.revision !== now || desk.locked) return void (guesses.hidden = true);
      if (changed) desk.mask.undo();
      desk.complain("");
      changed = take(area, mode);
      now = desk.mask.revision;
      for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
    };
    const best = several.indexOf(several.reduce((most, one) => (one.score > most.score ? one : most)));
    const buttons = several.map(({ mask, score }, i) => {
      const pressed = { "aria-pressed": String(i === best), title: share(score) };
      return element("button", { type: "button", ...pressed, onclick: () => turn(buttons[i], mask) }, String(i + 1));
    });
    guesses.replaceChildren(element("span", {}, text("edit.guesses")), ...buttons);
    guesses.hidden = false;
  }

  const share = (score) => (score === null ? "" : `${Math.round(score * 100)} %`);
  desk.addEventListener("version", () => (guesses.hidden = true));
  return {
    id: "object",
    options: ["mode"],
    modes: ["new", "add", "remove"],
    panel: [guesses, help],
    down(point) {
      at = point;
    },
    move() {},
    up(event) {
      find(desk.modeOf(event));
    },
    cancel() {},
  };
}
