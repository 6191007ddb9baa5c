"""From what is asked to what is decided, before anything is queued; whatever cannot be done is refused here."""

import difflib
import json
import secrets
from pathlib import Path

from configs.settings import ROOT, Settings
from masking.errors import InvalidValue, ModelMissing, NotSupported
from pipelines import checkpoints, presets, prompting, prompts, samplers
from pipelines.families import Checkpoint
from pipelines.plans import Plan, Recipe
from pipelines.presets import Preset
from pipelines.prompting import Wording
from pipelines.tasks import SEEDS, Ground, Task

DRAWN_SEEDS = 2**53
"""Seeds that nobody asked for stay below this, so that JavaScript can read them."""

MOST_STEPS = 1000
MOST_PICTURES = 32


def resolve(task: Task, settings: Settings) -> Plan:
    """The plan of a task: gaps filled from its preset. Raises a `masking.errors.GessoError` that names the field."""
    _refuse_out_of_range(task)
    warnings: list[str] = []
    preset = presets.load(settings.preset if task.preset is None else task.preset)
    checkpoint = _checkpoint(task, preset, settings, warnings)
    sampler, scheduler = _sampling(task, preset, warnings)
    performance = preset.performance if task.performance is None else task.performance
    words = preset.prompt if (told := task.words()) is None else told
    negative = preset.negative_prompt if task.negative_prompt is None else task.negative_prompt
    recipe = Recipe(
        prompt=prompts.one_line(words),
        negative_prompt=prompts.one_line(negative),
        styles=preset.styles if task.styles is None else task.styles,
        checkpoint=checkpoint.name,
        steps=_steps(task, preset, performance),
        guidance_scale=preset.guidance_scale if task.guidance_scale is None else task.guidance_scale,
        sampler=sampler,
        scheduler=scheduler,
        clip_skip=_clip_skip(task, preset, checkpoint, warnings),
        deterministic=task.deterministic,
    )
    seeds = _seeds(task)
    wordings = _wordings(task, words, negative, recipe.styles, seeds, settings)
    return task.decide(
        Ground(
            preset=preset,
            performance=performance,
            checkpoint=checkpoint,
            recipe=recipe,
            seeds=seeds,
            wordings=wordings,
            warnings=(*warnings, *dict.fromkeys(warning for wording in wordings for warning in wording.warnings)),
        )
    )


def user_folder(settings: Settings) -> Path:
    """Where a user's own `sdxl_styles` and `wildcards` lie: beside the models folder, as in Fooocus."""
    return settings.models_path.parent


def _seeds(task: Task) -> tuple[int, ...]:
    first = secrets.randbelow(DRAWN_SEEDS) if task.seed is None else task.seed
    step = 1 if task.seed_increment else 0
    return tuple((first + i * step) % SEEDS for i in range(task.image_number))


def _wordings(
    task: Task, words: str, negative: str, styles: tuple[str, ...], seeds: tuple[int, ...], settings: Settings
) -> tuple[Wording, ...]:
    """The texts of every picture. Raises InvalidValue for an unknown style, NotSupported for a LoRA."""
    wordings = tuple(
        prompting.compose(
            words,
            negative,
            styles,
            index=index,
            seed=seed,
            wildcards_in_order=task.wildcards_in_order,
            user_folder=user_folder(settings),
        )
        for index, seed in enumerate(seeds)
    )
    for tag in (tag for wording in wordings for tag in wording.loras):
        raise NotSupported(f"The prompt asks for the LoRA {tag.name!r}, and LoRAs are not there yet.", field="prompt")
    return wordings


def _refuse_out_of_range(task: Task) -> None:
    for field, least, most in (
        ("image_number", 1, MOST_PICTURES),
        ("seed", 0, SEEDS - 1),
        ("steps", 1, MOST_STEPS),
        ("guidance_scale", 0, 100),
        ("clip_skip", 1, 12),
    ):
        value = getattr(task, field)
        if value is not None and not least <= value <= most:
            raise InvalidValue(f"{field} is {value}, and must lie between {least} and {most}.", field=field)


def _checkpoint(task: Task, preset: Preset, settings: Settings, warnings: list[str]) -> Checkpoint:
    if task.checkpoint is None:
        return checkpoints.find(preset.checkpoint, settings)
    try:
        return checkpoints.find(task.checkpoint, settings)
    except ModelMissing:
        if not checkpoints.is_fooocus_default(task.checkpoint):
            raise
    warnings.append(f"{task.checkpoint} is not installed: {preset.checkpoint} of preset {preset.name} takes its place.")
    return checkpoints.find(preset.checkpoint, settings)


def _sampling(task: Task, preset: Preset, warnings: list[str]) -> tuple[str, str]:
    """Sampler and scheduler; where one of the two was asked for, the other one of the preset gives way to it."""
    sampler = samplers.check("sampler", preset.sampler if task.sampler is None else task.sampler)
    scheduler = samplers.check("scheduler", preset.scheduler if task.scheduler is None else task.scheduler)
    fitting = samplers.schedulers_of(sampler)
    if scheduler in fitting:
        return sampler, scheduler
    if task.scheduler is not None:
        raise NotSupported(
            f"The sampler {sampler!r} does not follow the scheduler {scheduler!r} yet; it does {', '.join(fitting)}.",
            field="scheduler",
        )
    warnings.append(f"The sampler {sampler} does not follow the scheduler {scheduler}: it runs with {fitting[0]}.")
    return sampler, fitting[0]


def _steps(task: Task, preset: Preset, performance: str) -> int:
    """What was asked; else the mode that was asked; else the preset's own number; else its mode's."""
    modes = json.loads((ROOT / "configs" / "performance.json").read_text(encoding="utf-8"))
    if performance not in modes:
        near = difflib.get_close_matches(performance, modes, n=3, cutoff=0)
        raise InvalidValue(f"There is no performance {performance!r}; near it: {', '.join(near)}.", field="performance")
    if "lora" in modes[performance]:
        raise NotSupported(
            f"{performance!r} needs the LoRA {modes[performance]['lora']}, and LoRAs are not there yet: "
            "take Speed or Quality.",
            field="performance",
        )
    if task.steps is not None:
        return task.steps
    if task.performance is None and preset.steps:
        return preset.steps
    steps: int = modes[performance]["steps"]
    return steps


def _clip_skip(task: Task, preset: Preset, checkpoint: Checkpoint, warnings: list[str]) -> int:
    clip_skip = preset.clip_skip if task.clip_skip is None else task.clip_skip
    if clip_skip <= checkpoint.text_layers:
        return clip_skip
    most = checkpoint.text_layers
    warnings.append(f"clip_skip is {most} instead of {clip_skip}: the text encoder has no more layers.")
    return most
