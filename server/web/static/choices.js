// Names that the server takes, in the order in which they are offered. tests/browser keeps this list true.

export const PERFORMANCES = { Quality: 60, Speed: 30, "Extreme Speed": 8, Lightning: 4, "Hyper-SD": 4 };

export const SAMPLERS = [
  "euler", "euler_ancestral", "heun", "dpm_2", "dpm_2_ancestral", "lms", "dpmpp_2s_ancestral", "dpmpp_sde",
  "dpmpp_sde_gpu", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "ddpm", "lcm",
  "tcd", "restart", "ddim", "uni_pc", "uni_pc_bh2",
];

export const SCHEDULERS = [
  "normal", "karras", "exponential", "sgm_uniform", "simple", "ddim_uniform", "lcm", "turbo", "align_your_steps", "tcd",
];

export const FORMATS = ["png", "jpeg", "webp"];

export const KINDS = ["text_to_image", "inpaint", "inpaint_inputs", "vary", "upscale"];
