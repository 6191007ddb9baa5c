// Small line drawings; the words beside them, or the button's label, say what they mean.

import { drawing } from "./element.js";

const LINES = {
  brush: "M14.5 4.5 19.5 9.5 10 19H5v-5zM12 7l5 5",
  check: "M5 12.5 10 17.5 19 7",
  chevron: "M7 10l5 5 5-5",
  close: "M6 6l12 12M18 6 6 18",
  code: "M9 7l-5 5 5 5M15 7l5 5-5 5",
  dice: "M5 5h14v14H5zM9 9h.01M15 9h.01M12 12h.01M9 15h.01M15 15h.01",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  enlarge: "M14 5h5v5M19 5l-6 6M10 19H5v-5M5 19l6-6",
  gear: "M4 8h9M17 8h3M4 16h3M11 16h9M15 6v4M9 14v4",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 4M15.5 9.5h.01",
  left: "M14 6l-6 6 6 6",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  mask: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  moon: "M19 14.5A7.5 7.5 0 1 1 9.5 5a6 6 0 0 0 9.5 9.5z",
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  plus: "M12 5v14M5 12h14",
  redo: "M4 12a8 8 0 1 1 2.5 5.8M4 19v-5h5",
  right: "M10 6l6 6-6 6",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15.5 15.5 20 20",
  skip: "M6 6l8 6-8 6zM18 6v12",
  spark: "M12 4l1.8 6.2L20 12l-6.2 1.8L12 20l-1.8-6.2L4 12l6.2-1.8z",
  stop: "M7 7h10v10H7z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4",
  trash: "M5 7h14M9 7V5h6v2M7 7l1 13h8l1-13",
  unlock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.8-1.2",
  vary: "M4 8h10M11 5l3 3-3 3M20 16H10M13 13l-3 3 3 3",
  warning: "M12 5l8 14H4zM12 11v3M12 16.5h.01",
};

export function icon(name) {
  const path = drawing("path", { d: LINES[name] });
  return drawing("svg", { class: "drawn", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, path);
}
