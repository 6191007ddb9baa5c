"""From what is asked to what is decided, before anything is queued; whatever cannot be done is refused here."""

import secrets
from pathlib import Path

from configs.settings import Settings
from masking.errors import InvalidValue
from pipelines import emphasis, expansion, fitting, inversions, loras, presets, prompting, recipes, upscalers
from pipelines.expansion import Expand
from pipelines.families import Checkpoint
from pipelines.loras import LoraWish
from pipelines.plans import NEVER_ADAPTIVE, Lora, Plan, Recipe
from pipelines.presets import Preset
from pipelines.prompting import Wording
from pipelines.tasks import SEEDS, Ground, Task

DRAWN_SEEDS = 2**53
"""Seeds that nobody asked for stay below this, so that JavaScript can read them."""

MOST_STEPS = 1000
MOST_PICTURES = 32


def resolve(
    task: Task, settings: Settings, expand: Expand = expansion.expand_all, memory: fitting.Memory | None = None
) -> Plan:
    """The plan of a task: gaps filled from its preset. Raises a `masking.errors.GessoError` that names the field.

    expand: what the style "Fooocus V2" makes of prompts. memory: what the pictures must fit in, as far as it is known.
    """
    _refuse_out_of_range(task)
    warnings: list[str] = []
    usual = presets.load(settings.preset, user_folder(settings))
    preset = usual if task.preset is None else presets.load(task.preset, user_folder(settings))
    checkpoint = recipes.find_checkpoint(task, preset, usual, settings, warnings)
    mode = preset.performance if task.performance is None else task.performance
    recipe = recipes.choose(task, preset, checkpoint, mode, settings, warnings)
    seeds = _seeds(task)
    words = preset.prompt if (asked := task.words()) is None else asked
    negative = preset.negative_prompt if task.negative_prompt is None else task.negative_prompt
    wordings = _wordings(task, words, negative, recipe.styles, seeds, settings)
    _check_embeddings(wordings, checkpoint, preset, settings)
    wordings = prompting.expanded(wordings, seeds, expand)
    worn = tuple(_loras(recipe, wording, checkpoint, settings, warnings) for wording in wordings)
    plan = task.decide(
        Ground(
            preset=preset,
            performance=mode,
            checkpoint=checkpoint,
            recipe=recipe,
            seeds=seeds,
            wordings=wordings,
            upscalers=upscalers.shelf(settings),
            loras=worn,
            warnings=tuple(dict.fromkeys([*warnings, *(told for wording in wordings for told in wording.warnings)])),
        )
    )
    if memory:
        fitting.refuse(plan, checkpoint, settings, memory)
    return plan


def _loras(
    recipe: Recipe, wording: Wording, checkpoint: Checkpoint, settings: Settings, warnings: list[str]
) -> tuple[Lora, ...]:
    """The recipe's LoRAs and those that one picture's prompt asks for; of one that both have, the weights add up."""
    wishes = [LoraWish(name=tag.name, weight=tag.weight, field="prompt") for tag in wording.loras if tag.weight]
    weights = {lora.name: lora.weight for lora in recipe.loras}
    for lora in loras.choose(wishes, checkpoint, settings, warnings):
        weights[lora.name] = weights.get(lora.name, 0.0) + lora.weight
    return tuple(Lora(name=name, weight=weight) for name, weight in weights.items() if weight)


def user_folder(settings: Settings) -> Path:
    """Where a user's own `presets`, `sdxl_styles` and `wildcards` lie: beside the models folder, as in Fooocus."""
    return settings.models_path.parent


def _seeds(task: Task) -> tuple[int, ...]:
    first = secrets.randbelow(DRAWN_SEEDS) if task.seed is None else task.seed
    step = 1 if task.seed_increment else 0
    return tuple((first + i * step) % SEEDS for i in range(task.image_number))


def _wordings(
    task: Task, words: str, negative: str, styles: tuple[str, ...], seeds: tuple[int, ...], settings: Settings
) -> tuple[Wording, ...]:
    """The texts of every picture. Raises InvalidValue for an unknown style, or a weight that cannot be."""
    wordings = tuple(
        prompting.compose(
            words,
            negative,
            styles,
            index=task.first_index + index,
            seed=seed,
            wildcards_in_order=task.wildcards_in_order,
            user_folder=user_folder(settings),
        )
        for index, seed in enumerate(seeds)
    )
    for wording in wordings:
        for field, lines in (("prompt", wording.positive), ("negative_prompt", wording.negative)):
            for text in lines:
                emphasis.spans(text, field)
    return wordings


def _check_embeddings(
    wordings: tuple[Wording, ...], checkpoint: Checkpoint, preset: Preset, settings: Settings
) -> None:
    texts = [("prompt", text) for wording in wordings for text in wording.positive]
    texts += [("negative_prompt", text) for wording in wordings for text in wording.negative]
    for field, text in dict.fromkeys(texts):
        inversions.check(text, field, checkpoint, preset, settings)


def _refuse_out_of_range(task: Task) -> None:
    for field, least, most in (
        ("image_number", 1, MOST_PICTURES),
        ("seed", 0, SEEDS - 1),
        ("steps", 1, MOST_STEPS),
        ("guidance_scale", 0, 100),
        ("clip_skip", 1, 12),
        ("sharpness", 0, 30),
        ("adaptive_cfg", 0, NEVER_ADAPTIVE),
    ):
        value = getattr(task, field)
        if value is not None and not least <= value <= most:
            raise InvalidValue(f"{field} is {value}, and must lie between {least} and {most}.", field=field)
