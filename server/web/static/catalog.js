// What the server has to choose from: presets, styles, models. Asked once, and anew when something has changed.

export function createCatalog({ api }) {
  const asked = new Map();

  function once(name, path) {
    if (!asked.has(name)) asked.set(name, api.get(path).catch((error) => (asked.delete(name), Promise.reject(error))));
    return asked.get(name);
  }

  return {
    presets: () => once("presets", "v1/engines/presets"),
    styles: () => once("styles", "v1/engines/styles"),
    models: () => once("models", "v1/engines/all-models"),
    forget: () => asked.clear(),
  };
}
