// The words and Run, beneath the picture; and how the painting goes.

/** Returns its form, the field for the words, fill() (take over what the desk kept) and show(event, words, warnings). */
export function foot(desk, app, { start, stop }) {
  const { element, text, form: shared } = app;
  const prompt = element("textarea", {
    rows: "2", class: "edit-prompt", "aria-label": text("edit.prompt"), placeholder: text("edit.promptPlaceholder"),
    oninput: () => desk.say({ words: prompt.value }),
  });
  const go = element("button", { type: "submit", class: "primary edit-run" }, text("edit.run"));
  const halt = element("button", { type: "button", class: "danger edit-run", hidden: true, onclick: stop }, text("edit.stop"));
  const progress = element("progress", { max: "100", value: 0, hidden: true, "aria-label": text("edit.progress") });
  const told = element("p", { class: "edit-told", role: "status" });
  const problem = element("p", { class: "problem", role: "alert" });
  const more = settings(desk, app);
  const form = element(
    "form",
    { class: "edit-foot", onsubmit: (event) => (event.preventDefault(), start()) },
    progress,
    element("div", { class: "edit-ask" }, prompt, go, halt),
    told,
    problem,
    more.details,
  );

  function fill() {
    prompt.value = desk.words;
    more.fill();
  }

  function show(event, words = "", warnings = []) {
    const runs = event !== null;
    progress.hidden = halt.hidden = !runs;
    halt.disabled = event?.state === "sending";
    go.hidden = runs;
    problem.textContent = words;
    told.textContent = runs ? wordsFor(event) : warnings.join(" ");
    if (!runs) progress.value = 0;
    else if (event.state === "running") progress.value = event.progress;
    else progress.removeAttribute("value");
    desk.tell("busy");
  }

  function wordsFor({ state, position, wait, step, steps, image, images }) {
    if (state === "sending") return text("edit.sending");
    if (state === "waiting") {
      const seconds = wait > 0 ? text("edit.waitSeconds", { seconds: Math.ceil(wait / 1000) }) : "";
      return `${position ? text("edit.waiting", { count: position }) : text("edit.next")} ${seconds}`;
    }
    if (!steps) return text("edit.running");
    return images > 1 ? text("edit.stepOf", { step, steps, image, images }) : text("edit.step", { step, steps });
  }

  shared.onChange?.(() => more.fill());
  return { form, prompt, fill, show };
}

/** What is seldom changed: the whole picture's prompt, how much is painted anew, how much of its surroundings is seen, how many. */
function settings(desk, { element, text, form: shared }) {
  const whole = element("input", { type: "text", oninput: () => shared.set({ prompt: whole.value }) });
  const range = (name, usual, words, help) => {
    const told = element("output", { class: "numbers" });
    const input = element("input", { type: "range", min: "0", max: "1", step: "0.01" });
    const show = () => (told.textContent = Number(input.value).toFixed(2));
    input.addEventListener("input", () => {
      const options = { ...desk.options, [name]: Number(input.value) };
      if (options[name] === usual) delete options[name];
      desk.say({ options });
      show();
    });
    const fill = () => {
      input.value = String(desk.options[name] ?? usual);
      show();
    };
    const label = element("label", { class: "field" }, element("span", { class: "edit-row between" }, words, told), input, element("small", {}, help));
    return { label, fill };
  };
  const strength = range("strength", 1, text("edit.strength"), text("edit.strengthHelp"));
  const around = range("around", 0.618, text("edit.around"), text("edit.aroundHelp"));
  const number = element("input", {
    type: "number", min: "1", max: "8", class: "edit-number",
    oninput: () => desk.say({ options: { ...desk.options, number: Math.min(8, Math.max(1, Math.round(Number(number.value)) || 1)) } }),
  });
  const details = element(
    "details",
    { class: "edit-more" },
    element("summary", {}, text("edit.more")),
    element(
      "div",
      { class: "edit-settings" },
      element("label", { class: "field wide" }, element("span", {}, text("edit.whole")), whole, element("small", {}, text("edit.wholeHelp"))),
      strength.label,
      around.label,
      element("label", { class: "field" }, element("span", {}, text("edit.number")), number),
      element("p", { class: "faint small wide" }, text("edit.both")),
    ),
  );

  function fill() {
    if (document.activeElement !== whole) whole.value = shared.get?.("prompt") ?? shared.request().prompt ?? "";
    strength.fill();
    around.fill();
    number.value = String(desk.options.number ?? 1);
  }
  return { details, fill };
}
