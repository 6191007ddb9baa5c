"""Where plans become pictures: the models that are loaded, and the engines on them. Lives in a worker process."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from configs.settings import Settings
from masking import models as mask_models
from masking.plans import MaskPlan
from masking.residency import Residency
from pipelines import checkpoints
from pipelines.engine import Engine, Stroke
from pipelines.events import Event, Finished, MaskDone, Message, Picture, Step
from pipelines.families import families
from pipelines.plans import Drawing, Pixels, Plan, Shot
from pipelines.presets import Preset

Tell = Callable[[Event], None]


@dataclass(kw_only=True, eq=False)
class _Sitting:
    """A shot in the making. `index` counts from 0."""

    index: int
    shot: Shot
    drawing: Drawing


class Studio:
    """Loads models once, and keeps them; draws plans and makes masks with them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._device = _device(settings)
        self._held = Residency()

    def load(self, preset: Preset, tell: Tell) -> None:
        """Make the models of a preset resident, its mask model only if it is installed. Raises a GessoError."""
        tell(Message(text=f"Loading {preset.checkpoint} ..."))
        self._engine(preset.checkpoint)
        if preset.mask_model in mask_models.installed(self._settings):
            tell(Message(text=f"Loading {preset.mask_model} ..."))
            self._mask_model(preset.mask_model)

    def run(self, plan: Plan, tell: Tell) -> list[Image.Image]:
        """Draw a plan's shots, `max_batch` of them at a time; RGB, in order. Raises whatever goes wrong."""
        return _Session(plan, self._engine(plan.recipe.checkpoint), tell).draw(self._settings.max_batch)

    def mask(self, plan: MaskPlan, tell: Tell) -> Image.Image:
        """The mask of a picture: "L", its size, 255 = object. Raises a GessoError."""
        with Image.open(plan.image) as picture:
            mask = self._mask_model(plan.model).mask(picture.convert("RGB"), plan).convert("L")
        tell(MaskDone(image=mask.tobytes(), width=mask.width, height=mask.height))
        tell(Finished())
        return mask

    def _engine(self, name: str) -> Engine:
        def load() -> Engine:
            checkpoint = checkpoints.find(name, self._settings)
            model = families()[checkpoint.family].load(checkpoint, self._device)
            return Engine(model, max_batch=self._settings.max_batch)

        return self._held.get(("checkpoint", name), load)

    def _mask_model(self, name: str) -> mask_models.MaskModel:
        return self._held.get(("mask", name), lambda: mask_models.load(name, self._settings))


class _Session:
    """One plan on its way through an engine."""

    def __init__(self, plan: Plan, engine: Engine, tell: Tell) -> None:
        self._plan, self._engine, self._tell = plan, engine, tell
        self._sittings: dict[int, _Sitting] = {}
        self._finished: dict[int, Image.Image] = {}
        self._warnings: dict[str, None] = {}

    def draw(self, at_a_time: int) -> list[Image.Image]:
        waiting = deque(enumerate(self._plan.shots))
        try:
            while waiting or self._sittings:
                while waiting and len(self._sittings) < at_a_time:
                    index, shot = waiting.popleft()
                    self._go_on(_Sitting(index=index, shot=shot, drawing=self._plan.draw(shot)), None)
                for stroke in self._engine.step():
                    self._take(stroke)
        finally:
            for ticket in self._sittings:
                self._engine.withdraw(ticket)
        self._tell(Finished(warnings=tuple(self._warnings)))
        return [self._finished[i] for i in sorted(self._finished)]

    def _take(self, stroke: Stroke) -> None:
        sitting = self._sittings[stroke.ticket]
        self._tell(Step(image=sitting.index + 1, images=len(self._plan.shots), step=stroke.step, steps=stroke.steps))
        if stroke.lost:
            self._warnings[f"The prompt is too long for the checkpoint; it did not read: {stroke.lost}"] = None
        if stroke.picture is not None:
            del self._sittings[stroke.ticket]
            self._go_on(sitting, stroke.picture)

    def _go_on(self, sitting: _Sitting, painted: Pixels | None) -> None:
        """Take a drawing to its next painting, which the engine gets, or to its end."""
        try:
            painting = next(sitting.drawing) if painted is None else sitting.drawing.send(painted)
        except StopIteration as end:
            self._finish(sitting, end.value)
        else:
            self._sittings[self._engine.admit(painting)] = sitting

    def _finish(self, sitting: _Sitting, pixels: Pixels) -> None:
        picture = Image.fromarray(pixels)
        self._finished[sitting.index] = picture
        self._tell(
            Picture(
                index=sitting.index,
                image=picture.tobytes(),
                width=picture.width,
                height=picture.height,
                seed=sitting.shot.seed,
            )
        )


def _device(settings: Settings) -> str:
    """The device that "auto" stands for is the best there is."""
    import torch

    if settings.threads:
        torch.set_num_threads(settings.threads)
    if settings.device != "auto":
        return settings.device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
