// Masks as PNG files and back: 8-bit grey, written here because a canvas would only write colours.

const MAGIC = [137, 80, 78, 71, 13, 10, 26, 10];
const BAND = 512; // rows that are read at a time

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

/** A mask of `width` × `height` bytes as a PNG file (a Blob). */
export async function greyPng(data, width, height) {
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  head.setUint8(8, 8); // bits; the zeros after it: grey, usual packing, usual filters, not interlaced
  const rows = new Uint8Array(height * (width + 1)); // each begins with its filter: none
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const packed = new Response(new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate")));
  const body = new Uint8Array(await packed.arrayBuffer());
  const parts = [chunk("IHDR", new Uint8Array(head.buffer)), chunk("IDAT", body), chunk("IEND", new Uint8Array())];
  return new Blob([new Uint8Array(MAGIC), ...parts.flat()], { type: "image/png" });
}

function chunk(name, body) {
  const type = new TextEncoder().encode(name);
  let crc = 0xffffffff;
  for (const part of [type, body]) for (const byte of part) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, body.length);
  const end = new DataView(new ArrayBuffer(4));
  end.setUint32(0, ~crc >>> 0);
  return [length, type, body, end];
}

/** A file from its base64 text. */
export function fileOf(base64, type = "image/png") {
  return new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type });
}

/** The grey values of a PNG in base64, as { data, width, height }. */
export async function greyOf(base64) {
  const bitmap = await createImageBitmap(fileOf(base64), { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const data = new Uint8Array(width * height);
  const canvas = new OffscreenCanvas(width, Math.min(BAND, height));
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += BAND) {
    const rows = Math.min(BAND, height - top);
    drawing.drawImage(bitmap, 0, -top);
    const read = drawing.getImageData(0, 0, width, rows).data;
    for (let i = 0, at = top * width; i < read.length; i += 4, at++) data[at] = read[i];
  }
  bitmap.close();
  return { data, width, height };
}
