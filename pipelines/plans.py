"""What is decided: a plan is possible, has no gaps, and survives a trip through the store as JSON."""

import functools
import importlib
import json
import pkgutil
from collections.abc import Generator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

Pixels = NDArray[np.uint8]
"""A picture: height × width × 3, RGB, 0 to 255."""

Mask = NDArray[np.uint8]
"""A mask: height × width, 255 = paint here."""


Size = tuple[int, int]
"""Width and height, pixels."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What a plan has to do with at once. painted: what the model sees. enlarged: pixels of an upscaler's answer."""

    painted: Size
    delivered: Size
    enlarged: int = 0


FreeU = tuple[float, float, float, float]
"""b1, b2 (the backbone's share), s1, s2 (the skip connections'); see `pipelines.families.stable_diffusion`."""

NO_FREEU: FreeU = (1.0, 1.0, 1.0, 1.0)
NEVER_ADAPTIVE = 100.0

Adm = tuple[float, float, float]
"""How many times as large SDXL is told that the picture was: for the prompt, for the negative one, and up to which
share of the denoising."""

NO_ADM: Adm = (1.0, 1.0, 0.0)
USUAL_ADM: Adm = (1.5, 0.8, 0.3)


@dataclass(frozen=True, kw_only=True)
class Lora:
    """A LoRA that is installed, by its path below `loras`, and how strongly it works."""

    name: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is painted and how, whatever its size and seed. clip_skip: 1 is the text encoder's last layer.

    prompt, negative_prompt: a line may be encoded by itself where all of them are more than the model reads at once.
    styles: the names asked for; what they make of the prompt is in the shots.
    vae: its name, "" for the checkpoint's own. asked_steps: 0, or where a strength shortened `steps`, what they were.
    expansion: what of the prompt is its expansion, as its last line; "" if nothing is.
    What has a default here is without effect at it, and may be missing in plans that an older version kept.
    """

    prompt: str
    negative_prompt: str
    styles: tuple[str, ...]
    checkpoint: str
    steps: int
    guidance_scale: float
    sampler: str
    scheduler: str
    clip_skip: int
    deterministic: bool
    sharpness: float = 0.0
    adaptive_cfg: float = NEVER_ADAPTIVE
    freeu: FreeU = NO_FREEU
    vae: str = ""
    asked_steps: int = 0
    adm: Adm = NO_ADM
    expansion: str = ""
    loras: tuple[Lora, ...] = ()
    inpaint_engine: str = ""
    black_out_nsfw: bool = False


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture of a plan: its own seed, the exact size it is delivered in (pixels), the texts it is painted from.

    prompt, negative_prompt: styles, wildcards and arrays carried out. expansion: what of the prompt is its expansion.
    loras: all that it is painted with, those of the recipe among them.
    """

    seed: int
    width: int
    height: int
    prompt: str
    negative_prompt: str
    expansion: str = ""
    loras: tuple[Lora, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Painting:
    """One run of the denoising loop: a picture from noise alone, `width` × `height` pixels that the model can paint."""

    recipe: Recipe
    seed: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Repainting(Painting):
    """A run that keeps what it is given.

    image: height × width × 3. mask: height × width, True = to be painted (hidden from the model).
    cells: for each latent cell the share of the run in which it is painted, 0..1, 32-bit: 0 = known, 1 = all of it; in
    between it keeps the picture (at the noise of the step) until that share is left. skipped: how many of the
    schedule's first steps are left out (0 = start from pure noise); the schedule has `recipe.steps + skipped` steps.
    from_image: whether a run that skips steps starts from the image's latents with noise added, or from noise alone.
    """

    image: Pixels
    mask: NDArray[np.bool_]
    cells: NDArray[np.float32]
    skipped: int
    from_image: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Enlarging:
    """One run of an upscaler. image: height × width × 3; what comes back has the upscaler's multiple of both."""

    upscaler: str
    image: Pixels


@dataclass(frozen=True, kw_only=True)
class EditReport:
    """What an edit did to its surroundings.

    known_changed_by: the largest difference of a known pixel from the input, 0..255. seam_colour, seam_slope,
    colour_step: see `pipelines.seam_score.SeamScore`; 0 where the mask has no edge. unrepaired: seam_colour before the
    seam was painted over once more, None where it was not. done: what was done to join the patch.
    """

    known_changed_by: int
    seam_colour: float
    seam_slope: float
    colour_step: float
    unrepaired: float | None
    done: tuple[str, ...]


Drawing = Generator[Painting | Enlarging | EditReport, Pixels, Pixels]
"""How a shot is drawn: yields what shall be painted or enlarged, is sent the pixels, returns the picture.

What it yields of EditReport is told with the picture; what is sent then has no meaning.
"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A task decided. `painted`: width and height the model paints at; `shots`: one per picture, in order."""

    kind: ClassVar[str]
    preset: str
    performance: str
    recipe: Recipe
    painted: tuple[int, int]
    shots: tuple[Shot, ...]
    warnings: tuple[str, ...] = ()

    def recipe_of(self, shot: Shot) -> Recipe:
        """The recipe with the shot's own texts."""
        return replace(
            self.recipe,
            prompt=shot.prompt,
            negative_prompt=shot.negative_prompt,
            expansion=shot.expansion,
            loras=shot.loras,
        )

    def draw(self, shot: Shot) -> Drawing:
        """The steps from this plan to the picture of one shot."""
        raise NotImplementedError

    @property
    def runs(self) -> int:
        """How many runs of the denoising loop a shot takes, as far as that is known before."""
        return 1

    @property
    def sized_by(self) -> str:
        """The field by which a client chooses how large the pictures are."""
        return "image"

    def scaled(self, share: float, side: int, multiple: int) -> Sizes:
        """Its sizes if the pictures had `share` of their sides, by a checkpoint of that native side."""
        painted = [-(-max(1, round(length * share)) // multiple) * multiple for length in self.painted]
        return Sizes(painted=(painted[0], painted[1]), delivered=self.shares(share))

    def shares(self, share: float) -> Size:
        """The size of the pictures if they had `share` of their sides."""
        first = self.shots[0]
        return int(first.width * share), int(first.height * share)

    @property
    def batch_key(self) -> str:
        """Plans with the same key may share forward passes; "": this one is drawn by itself.

        That is so where it is to be the same to the bit, and where its shots have LoRAs of their own.
        """
        loras = {shot.loras for shot in self.shots}
        if self.recipe.deterministic or len(loras) != 1:
            return ""
        worn = [f"{lora.name}:{lora.weight}" for lora in loras.pop()]
        recipe, (width, height) = self.recipe, self.painted
        return "|".join([recipe.checkpoint, recipe.vae, recipe.inpaint_engine, f"{width}x{height}", *worn])

    @property
    def effective(self) -> dict[str, Any]:
        """What is really used, as JSON values: the recipe, size, seeds and the task's own fields (no file paths)."""
        used = self._adapter().dump_python(self, mode="json")
        paths = {field.name for field in fields(self) if isinstance(getattr(self, field.name), Path)}
        hidden = {"recipe", "shots", "warnings"} | paths
        own = {name: value for name, value in used.items() if name not in hidden}
        del used["recipe"]["expansion"]  # each shot has its own
        size = {"width": self.shots[0].width, "height": self.shots[0].height}
        return {"task": self.kind, **used["recipe"], **own, **size, "seeds": [shot.seed for shot in self.shots]}

    def to_json(self) -> str:
        """This plan as one JSON object; `from_json` gives an equal plan back."""
        return json.dumps({"kind": self.kind, "plan": self._adapter().dump_python(self, mode="json")})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The plan that `to_json` wrote, of its kind's class. Raises ValueError for a kind that no task file has."""
        written = json.loads(text)
        if written["kind"] not in _kinds():
            raise ValueError(f"no task is called {written['kind']!r}; there are {', '.join(sorted(_kinds()))}")
        plan_class = importlib.import_module(f"pipelines.tasks.{written['kind']}").PLAN
        plan: Self = plan_class._adapter().validate_python(written["plan"])
        return plan

    @classmethod
    @functools.cache
    def _adapter(cls) -> TypeAdapter[Any]:
        """Kept, for to make one takes some ten milliseconds."""
        return TypeAdapter(cls)


@functools.cache
def _kinds() -> frozenset[str]:
    import pipelines.tasks as tasks  # here, because the tasks are built on plans

    return frozenset(module.name for module in pkgutil.iter_modules(tasks.__path__))
