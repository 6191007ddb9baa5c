"""The scheme of AUTOMATIC1111's web UI: the prompt, `Negative prompt: …`, and one line of `Name: value` pairs."""

import json
import re
from collections.abc import Iterator

from server.lenient import number, numbers, whole
from server.metadata import VERSION, Facts, LoraFact, stem

SAMPLERS = {
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "lms": "LMS",
    "dpm_fast": "DPM fast",
    "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_gpu": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "lcm": "LCM",
    "tcd": "TCD",
    "restart": "Restart",
    "ddim": "DDIM",
    "uni_pc": "UniPC",
}
"""Our name → theirs; samplers that they have not keep their own."""
SCHEDULES = {"Karras": "karras", "Exponential": "exponential", "SGM Uniform": "sgm_uniform", "Normal": "normal",
             "Simple": "simple", "Align Your Steps": "align_your_steps", "DDIM": "ddim_uniform"}  # fmt: skip
"""Their `Schedule type`, which newer versions write, → our scheduler."""
NEGATIVE = "Negative prompt: "
PAIR = re.compile(r'([^:,"]{1,60}):\s*("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)')
LAST_LINE = re.compile(r"Steps: \d+\b")


def write(facts: Facts) -> str:
    """Prompt and negative prompt as they were encoded, chunks joined by ", "; then one line for all the rest."""
    lines = [", ".join(facts.full_prompt or ())]
    if negative := ", ".join(facts.full_negative_prompt or ()):
        lines.append(NEGATIVE + negative)
    pairs = ((name, _plain(value)) for name, value in _pairs(facts) if value is not None)
    return "\n".join([*lines, ", ".join(f"{name}: {_quoted(value)}" for name, value in pairs)])


def read(text: str) -> Facts | None:
    """None where the last line does not begin with the steps."""
    *lines, last = re.split(r"\r?\n", text.strip())
    if not LAST_LINE.match(last):
        return None
    told = {name.strip(): _unquoted(value.strip()) for name, value in PAIR.findall(last)}
    at = next((i for i, line in enumerate(lines) if line.startswith(NEGATIVE.strip())), len(lines))
    negative = "\n".join(lines[at:]).removeprefix(NEGATIVE.strip()).strip()
    positive = "\n".join(lines[:at]).strip()
    sampler, scheduler = _sampling(told)
    size = numbers(told.get("Size"), 2)
    return Facts(
        prompt=told.get("Raw prompt", positive),
        negative_prompt=told.get("Raw negative prompt", negative),
        full_prompt=(positive,),
        full_negative_prompt=(negative,),
        performance=told.get("Performance"),
        steps=whole(told.get("Steps")),
        sharpness=number(told.get("Sharpness")),
        guidance_scale=number(told.get("CFG scale")),
        adaptive_cfg=number(told.get("Adaptive CFG")),
        adm=numbers(told.get("ADM Guidance"), 3),
        freeu=numbers(told.get("FreeU"), 4),
        checkpoint=told.get("Model"),
        checkpoint_digest=told.get("Model hash"),
        refiner=told.get("Refiner"),
        refiner_digest=told.get("Refiner hash"),
        refiner_swap_method=told.get("Refiner Swap Method"),
        overwrite_switch=whole(told.get("Overwrite Switch")),
        loras=_loras(told),
        vae=told.get("VAE"),
        clip_skip=whole(told.get("Clip skip")),
        seed=whole(told.get("Seed")),
        width=None if size is None else int(size[0]),
        height=None if size is None else int(size[1]),
        sampler=sampler,
        scheduler=scheduler,
    )


def _pairs(facts: Facts) -> Iterator[tuple[str, object]]:
    """The last line's values in Fooocus's order; None is left out."""
    yield "Steps", facts.steps
    karras = " Karras" if facts.scheduler == "karras" else ""
    yield "Sampler", facts.sampler and SAMPLERS.get(facts.sampler, facts.sampler) + karras
    yield "Seed", facts.seed
    yield "Size", facts.width and f"{facts.width}x{facts.height}"
    yield "CFG scale", facts.guidance_scale
    yield "Sharpness", facts.sharpness
    yield "ADM Guidance", facts.adm
    yield "Model", facts.checkpoint and stem(facts.checkpoint)
    yield "Model hash", facts.checkpoint_digest
    yield "Performance", facts.performance
    yield "Scheduler", facts.scheduler
    yield "VAE", facts.vae and stem(facts.vae)
    yield "Raw prompt", facts.prompt
    yield "Raw negative prompt", facts.negative_prompt
    if facts.refiner not in (None, "", "None"):
        yield "Refiner", stem(str(facts.refiner))
        yield "Refiner hash", facts.refiner_digest
    yield "Adaptive CFG", None if facts.adaptive_cfg == 7 else facts.adaptive_cfg
    yield "Clip skip", facts.clip_skip if (facts.clip_skip or 0) > 1 else None
    yield "Overwrite Switch", facts.overwrite_switch
    yield "Refiner Swap Method", facts.refiner_swap_method
    yield "FreeU", facts.freeu
    if facts.loras:
        yield "Lora hashes", ", ".join(f"{stem(lora.name)}: {lora.digest}" for lora in facts.loras)
        yield "Lora weights", ", ".join(f"{stem(lora.name)}: {lora.weight}" for lora in facts.loras)
    yield "Version", VERSION


def _plain(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, tuple) else str(value)


def _quoted(value: str) -> str:
    """As it is, or as JSON where it has a sign that parts the pairs (or is empty, or looks quoted already)."""
    parted = any(sign in value for sign in ",:\n\r") or value.startswith('"') or not value
    return json.dumps(value, ensure_ascii=False) if parted else value


def _unquoted(value: str) -> str:
    if value.startswith('"'):
        try:
            return str(json.loads(value))
        except ValueError:
            return value
    return value


def _sampling(told: dict[str, str]) -> tuple[str | None, str | None]:
    """Our sampler and scheduler; of two samplers with one name, the last in the table, which is Fooocus's usual one."""
    name = told.get("Sampler")
    if name is None:
        return None, told.get("Scheduler")
    bare = name.removesuffix(" Karras")
    scheduler = told.get("Scheduler") or ("karras" if bare != name else SCHEDULES.get(told.get("Schedule type", "")))
    return {theirs: ours for ours, theirs in SAMPLERS.items()}.get(bare, bare), scheduler


def _loras(told: dict[str, str]) -> tuple[LoraFact, ...]:
    hashes, weights = (_by_name(told.get(key, "")) for key in ("Lora hashes", "Lora weights"))
    read = ((name, number(weight)) for name, weight in weights.items())
    return tuple(
        LoraFact(name=name, weight=weight, digest=hashes.get(name, "")) for name, weight in read if weight is not None
    )


def _by_name(text: str) -> dict[str, str]:
    found = (entry.rpartition(":") for entry in text.split(","))
    return {name.strip(): value.strip() for name, colon, value in found if colon}
