// The presets: which one is the server's own, and what others need before they can be.

import { ask } from "../dialog.js";
import { element } from "../element.js";
import { icon } from "../icons.js";
import { text } from "../texts.js";
import { bytes } from "./bytes.js";

const OPEN = ["waiting", "running"];

export function presetList(app, { again }) {
  const list = element("ul", { class: "lines" });
  const root = element("section", { class: "card part wide", "aria-labelledby": "preset-title" },
    element("h2", { id: "preset-title" }, text("system.presets")), element("p", { class: "faint small" }, text("system.presetsHint")), list);
  const problems = new Map();
  let drawn = "";

  async function look() {
    const [presets, downloads] = await Promise.all([app.api.get("v1/engines/presets"), app.api.get("v1/engines/downloads")]);
    const state = JSON.stringify([presets, downloads, [...problems]]);
    if (state === drawn) return; // so that what has the focus keeps it
    if (drawn) app.catalog.forget();
    drawn = state;
    list.replaceChildren(...presets.map((preset) => line(preset, downloads.findLast((one) => one.preset === preset.name))));
  }

  function line(preset, download) {
    const coming = download && OPEN.includes(download.state);
    const problem = problems.get(preset.name) ?? preset.error ?? (download?.state === "failed" && !preset.installed ? download.error : null);
    return element(
      "li",
      { class: "preset", dataset: { preset: preset.name } },
      element("div", { class: "row" },
        element("strong", {}, preset.name),
        preset.active && element("span", { class: "pill on" }, icon("check"), text("system.active")),
        element("small", { class: "faint grow one-line" }, preset.fields?.base_model_name ?? ""),
        preset.loading && element("small", {}, text("system.loading")),
        !preset.active && !preset.loading && preset.installed && element("button", { onclick: () => act(preset, activate) }, text("system.activate")),
        !preset.installed && !coming && element("button", { onclick: () => act(preset, fetchIt) }, icon("download"), text("system.download")),
        coming && element("button", { onclick: () => act(preset, () => app.api.del(`v1/engines/downloads/${download.id}`)) }, text("app.cancel"))),
      coming && progress(download),
      problem && element("p", { class: "problem small" }, problem),
    );
  }

  function progress({ bytes: there, total, speed }) {
    const bar = element("progress", { max: total ?? 1, ...(total && { value: there }), "aria-label": text("system.downloading") });
    const words = total ? text("system.loaded", { there: bytes(there), total: bytes(total), speed: bytes(speed ?? 0) }) : bytes(there);
    return element("div", {}, bar, element("small", { class: "faint numbers" }, words));
  }

  const activate = ({ name }) => app.api.post(`v1/engines/presets/${encodeURIComponent(name)}/activate?wait=false`);

  // Nothing is fetched before the person has seen how much it is.
  async function fetchIt({ name }) {
    const path = `v1/engines/presets/${encodeURIComponent(name)}/download`;
    const { total, bytes: there, free, files } = await app.api.get(path);
    const needed = total ? bytes(total - there) : text("system.unknownSize");
    const words = text("system.downloadWords", { needed, free: bytes(free), files: files.map((file) => file.name).join(", ") });
    if (await ask({ title: text("system.downloadTitle", { name }), words, yes: text("system.download") })) await app.api.post(path);
  }

  async function act(preset, run) {
    problems.delete(preset.name);
    try {
      await run(preset);
    } catch (error) {
      problems.set(preset.name, error.message);
    }
    again();
  }

  return { root, look };
}
