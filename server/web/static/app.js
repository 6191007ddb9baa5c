// The page: a bar to choose a view, the views, and what they share.

import { createApi } from "./api.js";
import { createCatalog } from "./catalog.js";
import { createConnection } from "./connection.js";
import { element } from "./element.js";
import { createForm } from "./form.js";
import { icon } from "./icons.js";
import { logIn } from "./login.js";
import { notice, notices } from "./notice.js";
import { createTasks } from "./tasks.js";
import { LANGUAGES, choose, language, text } from "./texts.js";
import { theme, turn, wear } from "./theme.js";

// Loaded when they are wanted, the others soon after the first.
const VIEWS = {
  create: () => import("./views/create.js"),
  edit: () => import("./views/edit.js"),
  gallery: () => import("./views/gallery.js"),
  system: () => import("./views/system.js"),
};
const SOON_MS = 2000;
const ICONS = { create: "spark", edit: "brush", gallery: "image", system: "gear" };
const FIRST = "create";

const connection = createConnection();
const api = createApi({ logIn, lost: connection.lost, text });
const app = {
  api,
  catalog: createCatalog({ api }),
  tasks: createTasks({ api }),
  form: createForm(),
  text,
  language,
  element,
  icon,
  notice,
  open,
  onBack: connection.onBack,
};

const mounted = {};
let shown = null;
let wanted = null;
let handed = {};

// Go to a view; params are given to its show().
function open(view, params = {}) {
  handed = params;
  if (location.hash === `#${view}`) route();
  else location.hash = view;
}

async function route() {
  const view = location.hash.slice(1) in VIEWS ? location.hash.slice(1) : FIRST;
  const params = handed;
  handed = {};
  wanted = view;
  for (const link of document.querySelectorAll(".views a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const loaded = mounted[view] ? null : await VIEWS[view]().catch(() => (notice(text("app.unreachable"), { kind: "error" }), null));
  if (wanted !== view || !(loaded || mounted[view])) return; // another was chosen meanwhile, or there is none
  if (shown !== null && shown !== view) {
    mounted[shown].view.hide();
    mounted[shown].root.hidden = true;
  }
  mounted[view] ??= begin(view, loaded.mount);
  mounted[view].root.hidden = false;
  shown = view;
  mounted[view].view.show(params);
}

function begin(view, mount) {
  const root = element("section", { class: `view ${view}`, "aria-label": text(`views.${view}`) });
  main.append(root);
  return { root, view: mount(root, app) };
}

function bar() {
  const links = Object.keys(VIEWS).map((view) =>
    element("a", { href: `#${view}` }, icon(ICONS[view]), element("span", {}, text(`views.${view}`))),
  );
  const shade = element("button", { class: "icon", "aria-label": text("app.theme"), title: text("app.theme") });
  const dress = () => shade.replaceChildren(icon(theme() === "dark" ? "sun" : "moon"));
  shade.addEventListener("click", () => (turn(), dress()));
  dress();
  const other = Object.keys(LANGUAGES).find((name) => name !== language);
  const speak = element("button", { class: "quiet", lang: other, onclick: () => choose(other) }, LANGUAGES[other]);
  return element(
    "header",
    { class: "bar" },
    element("a", { class: "name", href: `#${FIRST}`, "aria-label": "Gesso" }, mark(), element("span", {}, "Gesso")),
    element("nav", { class: "views", "aria-label": text("app.views") }, links),
    element("div", { class: "row" }, speak, shade),
  );
}

const mark = () => element("img", { src: "static/gesso.svg", alt: "", width: "26", height: "26" });

const main = element("main", { id: "main", tabindex: "-1" });

wear();
document.documentElement.lang = language;
document.body.replaceChildren(
  element("a", { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, text("app.skip")),
  bar(),
  connection.bar,
  main,
  notices(),
);
addEventListener("hashchange", route);
connection.onBack(() => mounted[shown]?.view.show({}));
await route();
setTimeout(() => Object.values(VIEWS).forEach((load) => load().catch(() => {})), SOON_MS);
