// Another picture as the mask: what is light in it is painted anew.
import { combine } from "./combine.js";

/** Take the picture at `url`, stretched over the one on the desk, as its mask. */
export async function maskFrom(desk, app, url) {
  if (!desk.mask) return void app.notice(app.text("edit.maskNeedsPicture"));
  const { width, height } = desk.mask;
  const bitmap = await createImageBitmap(await app.api.blob(url));
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  pen.drawImage(bitmap, 0, 0, width, height);
  const { data } = pen.getImageData(0, 0, width, height);
  const area = new Uint8Array(width * height);
  for (let at = 0; at < area.length; at++) area[at] = (data[at * 4] * 77 + data[at * 4 + 1] * 150 + data[at * 4 + 2] * 29) >> 8;
  combine(desk.mask, area, "new");
}
