// Picture files that are dropped on an element.

export function takesPictures(root, take) {
  const holds = (event) => event.dataTransfer.types.includes("Files");
  let inside = 0;
  const mark = (step) => root.classList.toggle("dropping", (inside = Math.max(0, inside + step)) > 0);
  root.addEventListener("dragenter", (event) => holds(event) && mark(1));
  root.addEventListener("dragleave", (event) => holds(event) && mark(-1));
  root.addEventListener("dragover", (event) => holds(event) && event.preventDefault());
  root.addEventListener("drop", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    mark(-inside);
    const file = [...event.dataTransfer.files].find((one) => one.type.startsWith("image/"));
    if (file) take(file);
  });
}

export const dataUrl = (blob) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
