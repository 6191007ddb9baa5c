// All pictures, by day, newest first; what is looked for among them; one of them large.

import { KINDS } from "../choices.js";
import { ask } from "../dialog.js";
import { element } from "../element.js";
import { dayHeading } from "../gallery/days.js";
import { icon } from "../icons.js";
import { takesPictures } from "../shared/drop.js";
import { lightbox } from "../shared/lightbox.js";
import { restoreFrom } from "../shared/restore.js";
import { many, text } from "../texts.js";

const PER_PAGE = 60;
const TYPING_MS = 300;

export function mount(root, app) {
  const search = element("input", {
    type: "search", placeholder: text("gallery.search"), "aria-label": text("gallery.search"), oninput: soon,
  });
  const kind = element("select", { "aria-label": text("gallery.kind"), onchange: begin },
    element("option", { value: "" }, text("gallery.allKinds")), KINDS.map((name) => element("option", { value: name }, text(`kinds.${name}`))));
  const day = element("input", { type: "date", "aria-label": text("gallery.day"), onchange: begin });
  const file = element("input", { type: "file", accept: "image/*", class: "unseen", id: "restore-file", onchange: () => (restoreFrom(file.files[0], app), (file.value = "")) });
  const total = element("p", { class: "faint small", "aria-live": "polite" });
  const days = element("div", { class: "days" });
  const problem = element("p", { class: "problem", role: "alert" });
  const end = element("div", { class: "end" });
  root.append(
    element("h1", { class: "unseen" }, text("views.gallery")),
    element("div", { class: "tools", role: "search" }, search, kind, day,
      element("div", { class: "restore" }, file, element("label", { for: "restore-file", class: "button", title: text("restore.hint") }, icon("image"), text("restore.open")))),
    total, problem, days, end,
  );
  takesPictures(root, (dropped) => restoreFrom(dropped, app));

  let pictures = [];
  let page = 0;
  let all = 0;
  let loading = null;
  let asked = new AbortController();
  let timer = 0;
  new IntersectionObserver(([seen]) => seen.isIntersecting && next(), { rootMargin: "600px" }).observe(end);

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(begin, TYPING_MS);
  }

  // From the top, with what is looked for now.
  async function begin() {
    asked.abort();
    asked = new AbortController();
    loading = null;
    pictures = [];
    page = 0;
    all = Infinity;
    await next({ anew: true });
  }

  // The next page; resolves to whether there was one. Calls that come meanwhile share it.
  function next({ anew = false } = {}) {
    if (page > 0 && page * PER_PAGE >= all) return Promise.resolve(false);
    loading ??= load(anew).finally(() => (loading = null));
    return loading;
  }

  async function load(anew) {
    const mine = asked;
    const wanted = new URLSearchParams({ q: search.value, page: page + 1, page_size: PER_PAGE });
    if (kind.value) wanted.set("kind", kind.value);
    if (day.value) wanted.set("day", day.value);
    try {
      const told = await app.api.get(`v1/outputs/search?${wanted}`, { signal: mine.signal });
      if (mine !== asked) return false;
      problem.textContent = "";
      page += 1;
      all = told.total;
      if (anew) days.replaceChildren();
      const known = new Set(pictures.map((one) => one.url));
      const fresh = told.pictures.filter((one) => !known.has(one.url));
      fresh.forEach(add);
      total.textContent = all ? many("gallery.count", all) : text(search.value || kind.value || day.value ? "gallery.nothing" : "gallery.empty");
      return fresh.length > 0;
    } catch (error) {
      if (error.name !== "AbortError") problem.textContent = error.message;
      return false;
    }
  }

  function add(picture) {
    const at = pictures.push(picture) - 1;
    let grid = days.querySelector(`[data-day="${picture.day}"] .shots`);
    if (!grid) {
      grid = element("ul", { class: "shots" });
      days.append(element("section", { dataset: { day: picture.day } }, dayHeading(picture.day), grid));
    }
    grid.append(element("li", {}, element(
      "button", { class: "shot", dataset: { task: picture.task_id }, onclick: () => open(picture), title: picture.prompt, "aria-label": picture.prompt || text("task.picture") },
      element("img", { src: app.api.here(picture.thumbnail), alt: "", width: picture.width, height: picture.height, loading: at > 24 ? "lazy" : "eager", decoding: "async" }),
    )));
  }

  const open = (picture) => lightbox(pictures, pictures.indexOf(picture), app, { remove, more });

  async function more() {
    return next();
  }

  async function remove(picture) {
    const together = pictures.filter((one) => one.task_id === picture.task_id).length;
    const words = together > 1 ? text("gallery.deleteMany", { count: together }) : text("gallery.deleteOne");
    if (!(await ask({ title: text("gallery.deleteTitle"), words, yes: text("actions.delete"), danger: true }))) return false;
    try {
      await app.api.del(`tasks/${picture.task_id}`);
    } catch (error) {
      app.notice(error.message, { kind: "error" });
      return false;
    }
    app.tasks.forget(picture.task_id);
    pictures = pictures.filter((one) => one.task_id !== picture.task_id);
    for (const shot of days.querySelectorAll(`[data-task="${picture.task_id}"]`)) shot.closest("li").remove();
    for (const one of days.querySelectorAll("section:not(:has(li))")) one.remove();
    all -= together;
    total.textContent = many("gallery.count", all);
    return true;
  }

  return { show: begin, hide: () => asked.abort() };
}
