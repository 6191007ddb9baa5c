// What a day is called: today, yesterday, or its date.

import { element } from "../element.js";
import { language, text } from "../texts.js";

export function dayHeading(day) {
  return element("h2", {}, element("time", { datetime: day }, called(day)));
}

function called(day) {
  const date = new Date(`${day}T12:00`);
  const ago = Math.round((new Date().setHours(12, 0, 0, 0) - date) / 86_400_000);
  if (ago === 0) return text("gallery.today");
  if (ago === 1) return text("gallery.yesterday");
  return date.toLocaleDateString(language, { weekday: "long", year: "numeric", month: "long", day: "numeric" });
}
