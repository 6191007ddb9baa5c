"""Fooocus's own scheme: one JSON object with sorted keys; some of its values are Python literals in a text."""

import json
from typing import Any

from server.lenient import items, number, numbers, whole
from server.metadata import VERSION, Facts, LoraFact, stem

USUAL_ADAPTIVE_CFG = 7
NEEDED = {"prompt", "base_model", "resolution", "seed", "steps", "sampler", "performance"}
"""One of these at least is in every text of this scheme."""


def write(facts: Facts) -> str:
    """Fooocus 2.5.5's keys; a value that is not known is left out."""
    told: dict[str, Any] = {
        "adaptive_cfg": facts.adaptive_cfg if facts.adaptive_cfg != USUAL_ADAPTIVE_CFG else None,
        "adm_guidance": _literal(facts.adm),
        "base_model": facts.checkpoint and stem(facts.checkpoint),
        "base_model_hash": facts.checkpoint_digest,
        "clip_skip": facts.clip_skip if (facts.clip_skip or 0) > 1 else None,
        "freeu": _literal(facts.freeu),
        "full_negative_prompt": facts.full_negative_prompt,
        "full_prompt": facts.full_prompt,
        "guidance_scale": facts.guidance_scale,
        "loras": [[stem(lora.name), lora.weight, lora.digest] for lora in facts.loras or ()],
        "metadata_scheme": "fooocus",
        "negative_prompt": facts.negative_prompt,
        "overwrite_switch": facts.overwrite_switch,
        "performance": facts.performance,
        "prompt": facts.prompt,
        "prompt_expansion": facts.expansion,
        "refiner_model": facts.refiner and stem(facts.refiner),
        "refiner_model_hash": facts.refiner_digest,
        "refiner_swap_method": facts.refiner_swap_method,
        "refiner_switch": facts.refiner_switch,
        "resolution": facts.width and _literal((facts.width, facts.height)),
        "sampler": facts.sampler,
        "scheduler": facts.scheduler,
        "seed": None if facts.seed is None else str(facts.seed),
        "sharpness": facts.sharpness,
        "steps": facts.steps,
        "styles": None if facts.styles is None else str(list(facts.styles)),
        "vae": facts.vae and stem(facts.vae),
        "version": VERSION,
    }
    told |= {f"lora_combined_{i}": f"{lora.name} : {lora.weight}" for i, lora in enumerate(facts.loras or (), 1)}
    return json.dumps({key: value for key, value in told.items() if value is not None}, sort_keys=True)


def read(text: str) -> Facts | None:
    """None where the text is no JSON object with at least one of the keys that every picture of Fooocus's has."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not NEEDED & told.keys():
        return None
    size = numbers(told.get("resolution"), 2)
    return Facts(
        prompt=_words(told.get("prompt")),
        negative_prompt=_words(told.get("negative_prompt")),
        full_prompt=_texts(told.get("full_prompt")),
        full_negative_prompt=_texts(told.get("full_negative_prompt")),
        expansion=_words(told.get("prompt_expansion")),
        styles=_texts(told.get("styles")),
        performance=_words(told.get("performance")),
        steps=whole(told.get("steps")),
        sharpness=number(told.get("sharpness")),
        guidance_scale=number(told.get("guidance_scale")),
        adaptive_cfg=number(told.get("adaptive_cfg")),
        adm=numbers(told.get("adm_guidance"), 3),
        freeu=numbers(told.get("freeu"), 4),
        checkpoint=_words(told.get("base_model")),
        checkpoint_digest=_words(told.get("base_model_hash")),
        refiner=_words(told.get("refiner_model")),
        refiner_digest=_words(told.get("refiner_model_hash")),
        refiner_switch=number(told.get("refiner_switch")),
        refiner_swap_method=_words(told.get("refiner_swap_method")),
        overwrite_switch=whole(told.get("overwrite_switch")),
        loras=_loras(told),
        vae=_words(told.get("vae")),
        clip_skip=whole(told.get("clip_skip")),
        seed=whole(told.get("seed")),
        width=None if size is None else int(size[0]),
        height=None if size is None else int(size[1]),
        sampler=_words(told.get("sampler")),
        scheduler=_words(told.get("scheduler")),
    )


def _texts(value: object) -> tuple[str, ...] | None:
    return None if value is None else tuple(part for part in items(value) if isinstance(part, str))


def _words(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _literal(values: tuple[float | int | None, ...] | None) -> str | None:
    return None if values is None else f"({', '.join(str(value) for value in values)})"


def _loras(told: dict[str, Any]) -> tuple[LoraFact, ...]:
    """File names come from `lora_combined_<n>`, as far as they are there; else only the stems are known."""
    full = {}
    for n in range(1, 100):
        name, _, _ = str(told.get(f"lora_combined_{n}", "")).rpartition(" : ")
        full[stem(name)] = name
    found = []
    for entry in items(told.get("loras")):
        name, weight, digest = [*(entry if isinstance(entry, list) else ()), None, None, None][:3]
        if isinstance(name, str) and (amount := number(weight)) is not None:
            found.append(LoraFact(name=full.get(name, name), weight=amount, digest=_words(digest) or ""))
    return tuple(found)
