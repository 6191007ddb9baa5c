// Light, dark, or as the system has it.

const KEPT = "gesso.theme";
const DARK = matchMedia("(prefers-color-scheme: dark)");

export const theme = () => localStorage.getItem(KEPT) ?? (DARK.matches ? "dark" : "light");

export function wear(name = theme()) {
  document.documentElement.dataset.theme = name;
}

export function turn() {
  localStorage.setItem(KEPT, theme() === "dark" ? "light" : "dark");
  wear();
}

DARK.addEventListener("change", () => wear());
