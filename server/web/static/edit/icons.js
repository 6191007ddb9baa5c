// The tools' drawings, in the manner of the page's own.
import { drawing } from "../element.js";

const LINES = {
  adjust: "M4 7h8M16 7h4M14 4.5v5M4 17h3M11 17h9M9 14.5v5M4 12h11M19 12h1M17 9.5v5",
  brush: "M20 4c-4 2-8 6-9.5 9M14 10.5 12 9M10.5 13c-2.5-.5-4.5 1-4.5 3.5 0 1.5-1 2.5-2.5 3 3 1 8 .5 8.5-3.5.2-1.5-.5-2.6-1.5-3z",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  eraser: "M13.5 5 20 11.5 12 19.5H8L4 15.5zM8.5 10 15 16.5M12 19.5h8",
  extend: "M8 8h8v8H8zM12 5V2M12 22v-3M5 12H2M22 12h-3M10.5 3.5 12 2l1.5 1.5M10.5 20.5 12 22l1.5-1.5M3.5 10.5 2 12l1.5 1.5M20.5 10.5 22 12l-1.5 1.5",
  fill: "M11 4 19 12 12 19a2 2 0 0 1-2.8 0L5 14.8A2 2 0 0 1 5 12zM11 4 9 2M5.5 13h13M20.5 16c-1 1.5-1.5 2.3-1.5 3a1.5 1.5 0 0 0 3 0c0-.7-.5-1.5-1.5-3z",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  hand: "M8 12V6.5a1.5 1.5 0 0 1 3 0V11M11 10.5v-6a1.5 1.5 0 0 1 3 0V11M14 6.5a1.5 1.5 0 0 1 3 0V12M17 9.5a1.5 1.5 0 0 1 3 0V15c0 3.5-2.5 6-6 6-2.5 0-4-1-5.5-3L5 13.5c-.8-1.2.8-2.5 2-1.5l1.5 1.5",
  help: "M9 9.5a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 18h.01",
  lasso: "M12 4c5 0 9 2.4 9 5.5S17 15 12 15 3 12.6 3 9.5 7 4 12 4zM7 14c-1.5 0-2.5 1-2.5 2.2S5.5 18 6.5 18 8 17.3 8 16.5 7.5 14 7 14zM6 18c0 1.5-.5 2.5-1.5 3",
  minus: "M5 12h14",
  object: "M4 9V6a2 2 0 0 1 2-2h3M15 4h3a2 2 0 0 1 2 2v3M9 20H6a2 2 0 0 1-2-2v-3M11 11l3.2 9 1.8-3.8L20 14.4z",
  open: "M4 19V6h5l2 2h9v11zM12 16v-5M9.5 13.5h5",
  plus: "M12 5v14M5 12h14",
  rectangle: "M4 6h3M10 6h4M17 6h3v3M20 12v3M20 18h-3M14 18h-4M7 18H4v-3M4 12V9",
  redo: "M19 9H9.5a5 5 0 0 0 0 10H14M15 5l4 4-4 4",
  subject: "M12 4a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM5 20c.5-4 3-6.5 7-6.5s6.5 2.5 7 6.5z",
  undo: "M5 9h9.5a5 5 0 0 1 0 10H10M9 5 5 9l4 4",
  words: "M5 7V5h14v2M12 5v14M9.5 19h5",
};

export function icon(name) {
  const path = drawing("path", { d: LINES[name] });
  return drawing("svg", { class: "drawn", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, path);
}
