"""What one may ask for. Each file beside this one is a task: its fields, its plan, and how the plan is drawn.

A task module `pipelines/tasks/<kind>.py` defines a `Task` (asked), a `Plan` (decided) whose `kind` is its own name, and
exports that plan class as `PLAN`. Nothing here imports torch: the server's HTTP process reads these files, too.
"""

from dataclasses import dataclass

from pipelines.families import Checkpoint
from pipelines.plans import Plan, Recipe, Shot
from pipelines.presets import Preset

SEEDS = 2**63
"""Seeds are whole numbers from 0 up to this, exclusively."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What every task may be asked; None (and an empty tuple) means "decide for me"."""

    prompt: str | None = None
    negative_prompt: str | None = None
    checkpoint: str | None = None
    image_number: int = 1
    seed: int | None = None
    seed_increment: bool = True
    steps: int | None = None
    guidance_scale: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    clip_skip: int | None = None
    performance: str | None = None
    preset: str | None = None
    deterministic: bool = False

    def words(self) -> str | None:
        """The prompt with all that the task adds to it, one line per thought; None: the preset's."""
        return self.prompt

    def decide(self, ground: "Ground") -> Plan:
        """The plan of this task on `ground`. Raises a `masking.errors.GessoError` for what cannot be done."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What `pipelines.planning` has decided already when a task decides the rest; `seed` is the first shot's."""

    preset: Preset
    performance: str
    checkpoint: Checkpoint
    recipe: Recipe
    seed: int
    warnings: tuple[str, ...]

    def shots(self, task: Task, width: int, height: int) -> tuple[Shot, ...]:
        """One shot per picture asked for, all of one size."""
        step = 1 if task.seed_increment else 0
        seeds = [(self.seed + i * step) % SEEDS for i in range(task.image_number)]
        return tuple(Shot(seed=seed, width=width, height=height) for seed in seeds)
