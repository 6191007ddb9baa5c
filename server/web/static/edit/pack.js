// Runs of equal bytes as pairs (value, length - 1): a mask is mostly runs.

/** The pairs of a block of bytes. */
export function pack(bytes) {
  let out = new Uint8Array(256);
  let used = 0;
  for (let i = 0; i < bytes.length; ) {
    const value = bytes[i];
    const most = Math.min(bytes.length, i + 256);
    let end = i + 1;
    while (end < most && bytes[end] === value) end++;
    if (used === out.length) {
      const larger = new Uint8Array(used * 2);
      larger.set(out);
      out = larger;
    }
    out[used++] = value;
    out[used++] = end - i - 1;
    i = end;
  }
  return out.slice(0, used);
}

/** The block again, written into `bytes`. */
export function unpack(pairs, bytes) {
  for (let i = 0, at = 0; i < pairs.length; i += 2) {
    const end = at + pairs[i + 1] + 1;
    bytes.fill(pairs[i], at, end);
    at = end;
  }
}
