// What the page says, in the person's language: one file per language under texts/.

import { en } from "./texts/en.js";
import { zh } from "./texts/zh.js";

export const LANGUAGES = { en: "English", zh: "中文" };
const TEXTS = { en, zh };
const KEPT = "gesso.language";

export const language = chosen();

export function choose(name) {
  localStorage.setItem(KEPT, name);
  location.reload();
}

// "{count}" in the text of that key gives way to values.count.
export function text(key, values = {}) {
  const found = key.split(".").reduce((part, name) => part?.[name], TEXTS[language]);
  if (typeof found !== "string") throw new Error(`There is no text ${key}.`);
  return found.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function chosen() {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages.map((one) => one.slice(0, 2).toLowerCase())];
  return wanted.find((name) => name in TEXTS) ?? "en";
}

// "4 s", "2 min 5 s", "1 h 3 min".
export function duration(ms) {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 60) return text("app.seconds", { count: seconds });
  if (seconds < 3600) return text("app.minutes", { count: Math.floor(seconds / 60), rest: seconds % 60 });
  return text("app.hours", { count: Math.floor(seconds / 3600), rest: Math.floor((seconds % 3600) / 60) });
}

export const many = (key, count) => text(count === 1 ? `${key}One` : `${key}Many`, { count: count.toLocaleString(language) });
