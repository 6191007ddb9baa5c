// The strip of versions: each result is one, and one click goes back to it, with the mask it was left with.
import { save } from "./version.js";

const CUT_OUT = "cutout.png"; // the name of what has lost its background

export function versions(desk, app) {
  const { element, text } = app;
  const list = element("ol", { class: "edit-versions", "aria-label": text("edit.versions") });
  const shown = new Map(); // version → its thumbnail

  function draw() {
    list.hidden = desk.versions.length < 2;
    list.replaceChildren(...desk.versions.map((version, i) => element("li", {}, button(version, i))));
    for (const version of shown.keys()) if (!desk.versions.includes(version)) shown.delete(version);
    list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function button(version, i) {
    const label = [text("edit.version", { number: i + 1 }), version.words].filter(Boolean).join(": ");
    return element(
      "button",
      {
        type: "button", class: "edit-version", "aria-label": label, title: label,
        "aria-current": version === desk.version ? "true" : null, disabled: Boolean(desk.busy),
        onclick: () => go(version),
      },
      thumbnail(version),
      element("span", { "aria-hidden": "true" }, String(i + 1)),
    );
  }

  function thumbnail(version) {
    if (shown.has(version)) return shown.get(version);
    const canvas = element("canvas", { width: "1", height: "1", "aria-hidden": "true" });
    shown.set(version, canvas);
    createImageBitmap(version.thumbnail).then((small) => {
      [canvas.width, canvas.height] = [small.width, small.height];
      canvas.getContext("2d").drawImage(small, 0, 0);
    });
    return canvas;
  }

  function go(version) {
    if (version === desk.version) return;
    return desk.during(text("edit.opening"), () => desk.show(version));
  }

  /** Go to the one before (-1) or after (1) this one. */
  function step(by) {
    const next = desk.versions[desk.versions.indexOf(desk.version) + by];
    if (next) go(next);
  }

  /** Save the version that is shown as a file. */
  function download() {
    const { version } = desk;
    if (!version) return;
    return desk.during(text("edit.opening"), async () => {
      const blob = version.blob ?? (await app.api.blob(version.url));
      const name = /([^/?]+)(?:\?|$)/.exec(version.url)?.[1] ?? "picture.png";
      save(app, blob, version.blob ? CUT_OUT : name);
    });
  }

  desk.addEventListener("version", draw);
  desk.addEventListener("busy", draw);
  return { list, step, download };
}
