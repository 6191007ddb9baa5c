// One state of a picture: { id, url, width, height, thumbnail, blob, parent, at, words, tiles, margins, target }.
// blob: only where the server's copy is another one (it has no transparency). at: where in it its parent lies.

const THUMBNAIL = 144; // pixels of the longer side

/** A version of the picture at a URL, or in a blob whose copy on the server has that URL. */
export async function versionOf(app, { url, blob = null, parent = null, at = { x: 0, y: 0 }, words = "" }) {
  const bitmap = await bitmapOf(app, { url, blob });
  const { width, height } = bitmap;
  const thumbnail = await small(bitmap);
  bitmap.close();
  const id = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;
  return { id, url, blob, width, height, thumbnail, parent, at, words, tiles: [], margins: [0, 0, 0, 0], target: null };
}

/** Its pixels. Rejects with an ApiError where the server has not got it any more. */
export async function bitmapOf(app, { url, blob }) {
  return createImageBitmap(blob ?? (await app.api.blob(url)), { colorSpaceConversion: "none" });
}

/** Send a picture's file; its URL. */
export async function upload(app, file, name, signal) {
  const form = new FormData();
  form.append("files", file, name);
  const [kept] = await app.api.post("v1/inputs", form, { signal });
  return kept.url;
}

/** Save a blob as a file of the person's. */
export function save(app, blob, name) {
  const url = URL.createObjectURL(blob);
  const link = app.element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function small(bitmap) {
  const share = Math.min(1, THUMBNAIL / Math.max(bitmap.width, bitmap.height));
  const size = [bitmap.width, bitmap.height].map((length) => Math.max(1, Math.round(length * share)));
  const canvas = new OffscreenCanvas(...size);
  const drawing = canvas.getContext("2d");
  drawing.imageSmoothingQuality = "high";
  drawing.drawImage(bitmap, 0, 0, ...size);
  return canvas.convertToBlob({ type: "image/png" });
}
