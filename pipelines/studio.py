"""Where plans become pictures: the models that are loaded, and the engines on them. Lives in a worker process."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from PIL import Image

from configs.settings import Settings
from masking import models as mask_models
from masking.machine import Machine
from masking.residency import Residency
from pipelines import checkpoints, companions, fitting, inpaint_engine, safety, upscalers
from pipelines.batch import Batch
from pipelines.easels import Easel, Easels
from pipelines.events import Message
from pipelines.families import families
from pipelines.plans import Enlarging, Pixels, Plan
from pipelines.presets import Preset
from pipelines.pulse import Pulse
from pipelines.session import Between, Other, Said, Session, Tell
from pipelines.unet_model import UnetModel


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
        self._looked_at: Plan | None = None
        self._tight = False
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
        """Draw one plan's shots; RGB, in order. Raises whatever goes wrong. said, previews: see `Session`."""
        problems: list[Exception] = []

        def left(_session: Session, problem: Exception | None) -> None:
            problems.extend([problem] if problem else [])

        with self.easel(plan) as easel:
            batch = Batch(easel, self.held, left=left)
            session = self.session(plan, easel, tell=tell, said=said, previews=previews)
            batch.join(session)
            while batch.busy:
                batch.go_on()
        if problems:
            raise problems[0]
        return session.pictures

    @contextmanager
    def easel(self, plan: Plan) -> Iterator[Easel]:
        """What a plan is painted on, loaded until the end of the block. Raises a GessoError, before that DoesNotFit."""
        self._is_tight(plan)
        with self.checkpoint(plan.recipe.checkpoint) as easels:
            if engine := plan.recipe.inpaint_engine:
                with self._patch(engine, plan.recipe.checkpoint, easels) as patch:
                    yield easels.patched(patch, plan.recipe.vae)
            else:
                yield easels.easel(plan.recipe.vae)

    def session(
        self,
        plan: Plan,
        easel: Easel,
        *,
        name: str = "",
        tell: Tell,
        said: Said,
        between: Between = lambda: None,
        previews: bool = False,
    ) -> Session:
        """A plan, ready to join a batch on its easel. Raises DoesNotFit."""
        tight = self._is_tight(plan)
        other = Other(enlarge=self._enlarge, passes=self._passes)
        session = Session(plan, easel, other, name=name, tell=tell, said=said, between=between, previews=previews)
        session.tight = tight
        for told in easel.model.forms.untold() if easel.model.forms else ():
            session.warn(told)
        return session

    def _is_tight(self, plan: Plan) -> bool:
        """Whether a plan must be painted in the leanest way. Raises DoesNotFit. The last one is looked at once."""
        if self._looked_at is not plan:
            found = checkpoints.find(plan.recipe.checkpoint, self.settings)
            fitting.refuse(plan, found, self.settings, self.memory)
            self._tight = fitting.is_tight(plan, found, self.settings, self.memory)
            self._looked_at = plan
        return self._tight

    def checkpoint(self, name: str) -> AbstractContextManager[Easels]:
        """The checkpoint of that name, loaded; it stays so until the end of the block. Raises a GessoError."""

        def load() -> Easels:
            found = checkpoints.find(name, self.settings)
            model = families()[found.family].load(found, self.device, self.settings)
            return Easels(found, model, self.settings, self._pulse)

        self._pulse.enter("load")
        file = checkpoints.installed(self.settings).get(name)
        return self.held.using(("checkpoint", name), load, file=file, in_parts=True)

    def _patch(self, engine: str, name: str, easels: Easels) -> AbstractContextManager[Any]:
        """An inpaint engine for a checkpoint that is loaded, beside it. Raises ModelMissing or BrokenModel."""

        def load() -> Any:
            assert isinstance(easels.model, UnetModel)
            return inpaint_engine.load(easels.model, engine, self.settings)

        file = companions.installed("inpaint", self.settings).get(companions.ENGINES[engine])
        return self.held.using(("inpaint_engine", f"{engine} for {name}"), load, file=file)

    def mask_model(self, name: str) -> mask_models.MaskModel:
        """The mask model of that name, loaded. Raises ModelMissing or BrokenModel."""
        shelf = mask_models.shelf
        file = shelf.file(name, self.settings)
        return self.held.get(("mask_model", name), lambda: shelf.load(name, self.settings, self.device), file=file)

    def upscaler(self, name: str) -> AbstractContextManager[upscalers.Upscaler]:
        """The upscaler of that name, loaded; it stays so until the end of the block. Raises BrokenModel."""
        file = upscalers.installed(self.settings).get(name)
        return self.held.using(("upscaler", name), lambda: upscalers.load(name, self.settings, self.device), file=file)

    def _enlarge(self, asked: Enlarging, between: Between) -> Pixels:
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
