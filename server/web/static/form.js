// What the person has set, shared by all views and kept over reloads.

const KEPT = "gesso.form";

// Named as the API's fields, but for those that the form has of its own: ratio (a shape of the preset, or ""), locked.
export const DEFAULTS = {
  prompt: "",
  negative_prompt: "",
  preset: "",
  style_selections: null,
  performance_selection: "",
  aspect_ratios_selection: "",
  image_number: 1,
  image_seed: -1,
  locked: false,
  guidance_scale: null,
  sharpness: null,
  overwrite_step: null,
  sampler_name: "",
  scheduler_name: "",
  base_model_name: "",
  clip_skip: null,
  loras: null,
  output_format: "png",
  uov_input_image: "",
  uov_method: "",
};

export function createForm() {
  let state = { ...DEFAULTS, ...kept() };
  const listeners = new Set();

  function set(changes) {
    state = { ...state, ...changes };
    localStorage.setItem(KEPT, JSON.stringify(state));
    for (const listener of listeners) listener(state, changes);
  }

  // The fields for POST /v1/engine/generate/: only what was set; the preset gives the rest.
  function request() {
    const { locked, image_seed, ...fields } = state;
    const given = Object.entries(fields).filter(([, value]) => value !== null && value !== "");
    return { ...Object.fromEntries(given), image_seed: locked ? image_seed : -1 };
  }

  return {
    request,
    set,
    get: (name) => state[name],
    clear: () => set({ ...DEFAULTS }),
    // Calls listener(state, changes) on each change; returns how to leave.
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function kept() {
  try {
    const told = JSON.parse(localStorage.getItem(KEPT)) ?? {};
    return Object.fromEntries(Object.entries(told).filter(([name]) => name in DEFAULTS));
  } catch {
    return {};
  }
}
