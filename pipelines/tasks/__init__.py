"""What one may ask for. Each file beside this one is a task: its fields, its plan, and how the plan is drawn.

A task module `pipelines/tasks/<kind>.py` defines a `Task` (asked), a `Plan` (decided) whose `kind` is its own name, and
exports that plan class as `PLAN`. Nothing here imports torch: the server's HTTP process reads these files, too.
"""

from dataclasses import dataclass
from typing import ClassVar

from pipelines.families import Checkpoint
from pipelines.plans import Adm, FreeU, Lora, Plan, Recipe, Shot
from pipelines.presets import Preset
from pipelines.prompting import Wording
from pipelines.upscalers import Shelf

SEEDS = 2**63
"""Seeds are whole numbers from 0 up to this, exclusively."""


@dataclass(frozen=True, kw_only=True)
class LoraAsked:
    """A LoRA's name in `models/loras`, and how strongly it shall work."""

    name: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class Task:
    """What every task may be asked; None (and an empty tuple) means "decide for me".

    first_index: the first picture's number, by which arrays and wildcards in order take turns.
    vae: "Default (model)" is the checkpoint's own. inpaint_engine: only where the task `inpaints`.
    """

    inpaints: ClassVar[bool] = False

    prompt: str | None = None
    negative_prompt: str | None = None
    checkpoint: str | None = None
    image_number: int = 1
    first_index: int = 0
    seed: int | None = None
    seed_increment: bool = True
    steps: int | None = None
    guidance_scale: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    clip_skip: int | None = None
    performance: str | None = None
    preset: str | None = None
    styles: tuple[str, ...] | None = None
    wildcards_in_order: bool = False
    deterministic: bool = False
    sharpness: float | None = None
    adaptive_cfg: float | None = None
    freeu: FreeU | None = None
    adm: Adm | None = None
    vae: str | None = None
    loras: tuple[LoraAsked, ...] | None = None
    inpaint_engine: str | None = None
    black_out_nsfw: bool = False

    def words(self) -> str | None:
        """The prompt with all that the task adds to it, one line per thought; None: the preset's."""
        return self.prompt

    def decide(self, ground: "Ground") -> Plan:
        """The plan of this task on `ground`. Raises a `masking.errors.GessoError` for what cannot be done."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What `pipelines.planning` has decided already when a task decides the rest.

    seeds, wordings and loras: one per picture asked for.
    """

    preset: Preset
    performance: str
    checkpoint: Checkpoint
    recipe: Recipe
    seeds: tuple[int, ...]
    wordings: tuple[Wording, ...]
    upscalers: Shelf
    loras: tuple[tuple[Lora, ...], ...]
    warnings: tuple[str, ...]

    def shots(self, width: int, height: int) -> tuple[Shot, ...]:
        """One shot per picture asked for, all of one size."""
        return tuple(
            Shot(
                seed=seed,
                width=width,
                height=height,
                prompt="\n".join([*wording.positive, *([wording.expansion] if wording.expansion else [])]),
                negative_prompt="\n".join(wording.negative),
                expansion=wording.expansion,
                loras=loras,
            )
            for seed, wording, loras in zip(self.seeds, self.wordings, self.loras, strict=True)
        )
