// The styles: looked for by name, each with a drawn sample; those that are chosen come first.

import { element } from "../element.js";
import { icon } from "../icons.js";
import { text } from "../texts.js";
import { sample } from "./sample.js";

// names: all there are. chosen(): those in use. choose(names) takes new ones.
export function stylesPanel({ names, chosen, choose }) {
  const used = element("div", { class: "row chosen" });
  const grid = element("div", { class: "styles", role: "group", "aria-label": text("create.styles") });
  const count = element("small", { class: "faint", "aria-live": "polite" });
  const search = element("input", {
    type: "search", placeholder: text("create.styleSearch"), "aria-label": text("create.styleSearch"), oninput: sift,
  });
  const cards = names.map((name) =>
    element(
      "button",
      { type: "button", class: "style", "aria-pressed": "false", dataset: { name }, onclick: () => flip(name) },
      sample(name),
      element("span", {}, name),
    ),
  );
  grid.append(...cards);

  function flip(name) {
    choose(chosen().includes(name) ? chosen().filter((one) => one !== name) : [...chosen(), name]);
    show();
  }

  function show() {
    for (const card of cards) card.setAttribute("aria-pressed", chosen().includes(card.dataset.name));
    used.replaceChildren(
      ...chosen().map((name) =>
        element("button", { type: "button", class: "pill", onclick: () => flip(name), title: text("create.styleRemove") },
          name, icon("close")),
      ),
    );
    sift();
  }

  function sift() {
    const words = search.value.toLowerCase().split(/\s+/);
    let found = 0;
    for (const card of cards) {
      card.hidden = !words.every((word) => card.dataset.name.toLowerCase().includes(word));
      found += !card.hidden;
    }
    count.textContent = text("create.styleCount", { count: found });
  }

  show();
  return { root: element("div", { class: "panel" }, search, used, grid, count), show };
}
