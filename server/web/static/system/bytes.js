// Sizes of files for people.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function bytes(count) {
  const power = Math.min(UNITS.length - 1, count > 0 ? Math.floor(Math.log10(count) / 3) : 0);
  const value = count / 1000 ** power;
  return `${power ? value.toFixed(value < 10 ? 1 : 0) : value} ${UNITS[power]}`;
}
