"""Where plans become pictures: the models that are loaded, and the engines on them. Lives in a worker process."""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from PIL import Image

from configs.settings import Settings
from masking import models as mask_models
from masking.machine import Machine, is_out_of_memory
from masking.residency import Residency
from pipelines import checkpoints, fitting, inpaint_engine, safety, sparing, upscalers
from pipelines.easels import Easels
from pipelines.engine import Engine, Stroke
from pipelines.events import Event, Finished, Message, Picture, Skipped, Step
from pipelines.families import families
from pipelines.orders import Action
from pipelines.plans import Drawing, EditReport, Enlarging, Painting, Pixels, Plan, Shot
from pipelines.presets import Preset
from pipelines.previews import Previews
from pipelines.pulse import Pulse
from pipelines.unet_model import UnetModel

log = logging.getLogger(__name__)

Tell = Callable[[Event], None]
Said = Callable[[], Iterable[Action]]
Enlarge = Callable[[Enlarging, Callable[[], None]], Pixels]
Passes = Callable[[Image.Image], bool]


@dataclass(kw_only=True, eq=False)
class _Sitting:
    """A shot in the making. `index` counts from 0; report: what its drawing has told of itself so far; steps: those of
    the runs that are behind it.
    """

    index: int
    shot: Shot
    drawing: Drawing
    report: EditReport | None = None
    steps: int = 0


class _CalledOff(Exception):
    """Something was said while an upscaler worked."""


class Studio:
    """Loads models once, and keeps them; draws plans with them, and lends them to `pipelines.tools`.

    held: what is loaded, for tools to keep their own in. device: torch's name of where models run. pulse: hears what
    this is at.
    """

    def __init__(self, settings: Settings, pulse: Pulse | None = None) -> None:
        self.settings = settings
        self._pulse = pulse or Pulse()
        self.device = _device(settings)
        self.held = Residency(Machine(self.device), vram=settings.vram, limit=settings.vram_limit)
        self.memory = fitting.memory_of(self.held.machine, settings)
        self._pulse.memory = lambda: self.held.machine.taken() | self.held.counts()

    def load(self, preset: Preset, tell: Tell) -> None:
        """Make the models of a preset resident, its mask model only if it is installed. Raises a GessoError."""
        tell(Message(text=f"Loading {preset.checkpoint} ..."))
        with self.checkpoint(preset.checkpoint) as easels:
            easels.easel()
        if preset.mask_model in mask_models.installed(self.settings):
            tell(Message(text=f"Loading {preset.mask_model} ..."))
            self.mask_model(preset.mask_model)

    def run(self, plan: Plan, tell: Tell, *, said: Said = lambda: (), previews: bool = False) -> list[Image.Image]:
        """Draw a plan's shots, `max_batch` of them at a time; RGB, in order. Raises whatever goes wrong.

        Where memory runs out, the pictures that are missing are painted in a leaner way, which the end tells; where it
        must, that is done from the beginning.
        said: what has been asked for since it was last called; it is called before each denoising step, and before each
        tile of an upscaler. previews: tell them, too (from a thread of their own).
        """
        found = checkpoints.find(plan.recipe.checkpoint, self.settings)
        fitting.refuse(plan, found, self.settings, self.memory)
        with self.checkpoint(plan.recipe.checkpoint, plan.recipe.inpaint_engine) as easels:
            easel = easels.easel(plan.recipe.vae)
            glance = easel.glance if previews else None
            session = _Session(plan, easel.engine, self._enlarge, self._passes, tell=tell, said=said)

            def draw(at_a_time: int) -> list[Image.Image]:
                return session.draw(at_a_time, Previews(glance, tell) if glance else None)

            try:
                if not fitting.is_tight(plan, found, self.settings, self.memory):
                    return draw(self.settings.max_batch)
                log.warning("Memory is too short to paint %d x %d pixels in the usual way.", *plan.painted)
            except Exception as problem:
                if not is_out_of_memory(problem):
                    raise
                log.warning("Memory ran out: %s", problem)
            self.held.make_way()
            session.warn(sparing.TOLD)
            with sparing.leaner(easel.model):
                return draw(1)

    def checkpoint(self, name: str, engine: str = "") -> AbstractContextManager[Easels]:
        """The checkpoint of that name, loaded; it stays so until the end of the block. Raises a GessoError.

        engine: an inpaint engine that it is patched with; the checkpoint without it is another one.
        """

        def load() -> Easels:
            found = checkpoints.find(name, self.settings)
            model = families()[found.family].load(found, self.device, self.settings)
            if engine:
                assert isinstance(model, UnetModel)
                inpaint_engine.put_into(model, engine, self.settings)
            return Easels(found, model, self.settings, self._pulse)

        self._pulse.enter("load")
        file = checkpoints.installed(self.settings).get(name)
        key = ("checkpoint", f"{name} + inpaint engine {engine}" if engine else name)
        return self.held.using(key, load, file=file, in_parts=True)

    def mask_model(self, name: str) -> mask_models.MaskModel:
        """The mask model of that name, loaded. Raises ModelMissing or BrokenModel."""
        shelf = mask_models.shelf
        file = shelf.file(name, self.settings)
        return self.held.get(("mask_model", name), lambda: shelf.load(name, self.settings, self.device), file=file)

    def upscaler(self, name: str) -> AbstractContextManager[upscalers.Upscaler]:
        """The upscaler of that name, loaded; it stays so until the end of the block. Raises BrokenModel."""
        file = upscalers.installed(self.settings).get(name)
        return self.held.using(("upscaler", name), lambda: upscalers.load(name, self.settings, self.device), file=file)

    def _enlarge(self, asked: Enlarging, between: Callable[[], None]) -> Pixels:
        def before_a_tile() -> None:
            self._pulse.enter("step")
            between()

        self._pulse.enter("load")
        with self.upscaler(asked.upscaler) as upscaler:
            return upscaler.enlarge(asked.image, before_a_tile)

    def _passes(self, picture: Image.Image) -> bool:
        """Whether the safety checker lets a picture through."""
        place = safety.installed(self.settings)
        key = ("safety_checker", place.name)
        with self.held.using(key, lambda: safety.load(place, self.device), file=place) as checker:
            return checker.passes(picture)


class _Session:
    """One plan on its way through an engine."""

    def __init__(self, plan: Plan, engine: Engine, enlarge: Enlarge, passes: Passes, *, tell: Tell, said: Said) -> None:
        self._plan, self._engine, self._enlarge, self._passes = plan, engine, enlarge, passes
        self._tell, self._said = tell, said
        self._previews: Previews | None = None
        self._waiting: deque[tuple[int, Shot]] = deque()
        self._skipped: set[int] = set()
        self._sittings: dict[int, _Sitting] = {}
        self._heard: deque[Action] = deque()
        self._stopped = False
        self._finished: dict[int, Image.Image] = {}
        self._warnings: dict[str, None] = {}

    def draw(self, at_a_time: int, previews: Previews | None) -> list[Image.Image]:
        """All pictures; called again after a failure, those that are missing."""
        self._previews = previews
        behind = self._skipped | self._finished.keys()
        self._waiting = deque((index, shot) for index, shot in enumerate(self._plan.shots) if index not in behind)
        try:
            while self._waiting or self._sittings:
                self._heard.extend(self._said())
                while self._heard:
                    self._obey(self._heard.popleft())
                if self._waiting and len(self._sittings) < at_a_time:
                    index, shot = self._waiting.popleft()
                    self._go_on(_Sitting(index=index, shot=shot, drawing=self._plan.draw(shot)), None)
                    continue
                for stroke in self._engine.step():
                    self._take(stroke)
        finally:
            self._leave_all()
            if self._previews:
                self._previews.close()
        self._tell(Finished(warnings=tuple(self._warnings), stopped=self._stopped))
        return [self._finished[i] for i in sorted(self._finished)]

    def warn(self, told: str) -> None:
        """Tell this with the end of the plan."""
        self._warnings[told] = None

    def _obey(self, action: Action) -> None:
        """Leave everything, or the oldest image that is not finished."""
        if action == "stop":
            self._stopped = True
            self._waiting.clear()
            self._leave_all()
        elif self._waiting or self._sittings:
            index = self._leave(self._oldest()) if self._sittings else self._waiting.popleft()[0]
            self._skipped.add(index)
            self._tell(Skipped(image=index + 1))

    def _oldest(self) -> int:
        """The ticket of the first image in the plan's order that is being painted."""
        return min(self._sittings, key=lambda ticket: self._sittings[ticket].index)

    def _leave(self, ticket: int) -> int:
        """Give a sitting up; the index of its shot."""
        self._engine.withdraw(ticket)
        sitting = self._sittings.pop(ticket)
        sitting.drawing.close()
        return sitting.index

    def _leave_all(self) -> None:
        for ticket in list(self._sittings):
            self._leave(ticket)

    def _take(self, stroke: Stroke) -> None:
        sitting = self._sittings[stroke.ticket]
        steps = max(sitting.steps + stroke.steps, self._plan.runs * self._plan.recipe.steps)
        step = sitting.steps + stroke.step
        self._tell(Step(image=sitting.index + 1, images=len(self._plan.shots), step=step, steps=steps))
        if self._previews and stroke.denoised is not None and stroke.ticket == self._oldest():
            self._previews.offer(sitting.index + 1, stroke.denoised)
        if stroke.lost:
            self.warn(f"The prompt is too long for the checkpoint; it did not read: {stroke.lost}")
        if stroke.picture is not None:
            del self._sittings[stroke.ticket]
            sitting.steps += stroke.steps
            self._go_on(sitting, stroke.picture)

    def _go_on(self, sitting: _Sitting, painted: Pixels | None) -> None:
        """Take a drawing to its next painting, which the engine gets, or to its end."""
        try:
            painting = next(sitting.drawing) if painted is None else sitting.drawing.send(painted)
            while not isinstance(painting, Painting):
                if isinstance(painting, EditReport):
                    sitting.report = painting
                    painting = next(sitting.drawing)
                    continue
                height, width = painting.image.shape[:2]
                self._tell(Message(text=f"Upscaling image from {(width, height)} ..."))
                painting = sitting.drawing.send(self._enlarge(painting, self._listen))
        except _CalledOff:
            self._waiting.appendleft((sitting.index, sitting.shot))
            sitting.drawing.close()
        except StopIteration as end:
            self._finish(sitting, end.value)
        else:
            self._sittings[self._engine.admit(painting, watched=self._previews is not None)] = sitting

    def _listen(self) -> None:
        """Call an upscaler's work off when there is something to obey; `draw` does so before it goes on."""
        self._heard.extend(self._said())
        if self._heard:
            raise _CalledOff

    def _finish(self, sitting: _Sitting, pixels: Pixels) -> None:
        picture = self._checked(Image.fromarray(pixels), sitting.index)
        self._finished[sitting.index] = picture
        self._tell(
            Picture(
                index=sitting.index,
                image=picture.tobytes(),
                width=picture.width,
                height=picture.height,
                seed=sitting.shot.seed,
                report=sitting.report,
            )
        )

    def _checked(self, picture: Image.Image, index: int) -> Image.Image:
        """The picture, or a black one where it was to be checked and does not pass."""
        if not self._plan.recipe.black_out_nsfw:
            return picture
        self._tell(Message(text="Checking for NSFW content ..."))
        if self._passes(picture):
            return picture
        self._warnings[f"Image {index + 1} of {len(self._plan.shots)} was blacked out by the safety checker."] = None
        return Image.new("RGB", picture.size)


def _device(settings: Settings) -> str:
    """The device that "auto" stands for is the best there is."""
    import torch

    if settings.threads:
        torch.set_num_threads(settings.threads)
    if settings.vram == "cpu":
        return "cpu"
    if settings.device != "auto":
        return settings.device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
