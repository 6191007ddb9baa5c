// What stands out in the picture: masked, left out of the mask, or cut out of its background.
import { combine } from "./combine.js";
import { greyOf } from "./png.js";
import { bitmapOf, upload, versionOf } from "./version.js";

export function background(desk, app) {
  const { element, text } = app;
  const button = (key, onclick) => element("button", { type: "button", onclick }, text(key));

  async function subject(work) {
    const { mask, version } = desk;
    if (!mask) return;
    await desk.during(text("edit.looking"), async (signal) => {
      const found = await app.api.post("v1/tools/generate_mask", { image: version.url, detail: true }, { signal });
      if (desk.mask !== mask) return;
      if (found.warnings.length) desk.complain(found.warnings.join(" "));
      await work((await greyOf(found.mask)).data, mask, version, signal);
    });
  }

  const select = (inverted) =>
    subject((area, mask) => combine(mask, inverted ? area.map((value) => 255 - value) : area, desk.modeOf()));

  /** A new version that is transparent where the background was. */
  const remove = () =>
    subject(async (area, mask, version, signal) => {
      const blob = await cutOut(await bitmapOf(app, version), area);
      const url = await upload(app, blob, "cutout.png", signal);
      await desk.add(await versionOf(app, { url, blob, parent: version.id, words: text("edit.removeBackground") }));
    });

  return {
    id: "subject",
    pans: true,
    options: ["mode"],
    modes: ["new", "add", "remove"],
    panel: [
      button("edit.maskSubject", () => select(false)),
      button("edit.maskBackground", () => select(true)),
      button("edit.removeBackground", remove),
    ],
  };
}

/** The picture as a PNG whose opacity is `area`. */
function cutOut(bitmap, area) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  drawing.drawImage(bitmap, 0, 0);
  bitmap.close();
  const image = drawing.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0, at = 3; i < area.length; i++, at += 4) image.data[at] = Math.min(image.data[at], area[i]);
  drawing.putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
