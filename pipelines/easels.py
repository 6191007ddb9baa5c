"""A checkpoint that is loaded, ready to be painted with: one easel for each VAE that it was wanted with."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.settings import Settings
from masking.residency import Stamp, stamp
from pipelines import companions, previews
from pipelines.engine import Engine
from pipelines.families import Checkpoint, Model
from pipelines.pace import Pace
from pipelines.pulse import Pulse
from pipelines.unet_model import UnetModel


@dataclass(frozen=True, kw_only=True, eq=False)
class Easel:
    """A model with one VAE. glance: by what previews are made, None where none can be made of its latents; it is worked
    out when it is first asked for, which takes about as long as it took to load the model.
    """

    model: Model
    engine: Engine
    glance: Callable[[], previews.Glance | None]


class Easels:
    """All easels of one loaded checkpoint, which share everything but the VAE."""

    def __init__(self, checkpoint: Checkpoint, model: Model, settings: Settings, pulse: Pulse) -> None:
        self._checkpoint, self._model, self._settings, self._pulse = checkpoint, model, settings, pulse
        self._made: dict[str, tuple[Stamp | None, Easel]] = {}

    @property
    def model(self) -> Model:
        """With the checkpoint's own VAE."""
        return self._model

    def patched(self, patch: Any, vae: str = "") -> Easel:
        """With an inpaint engine, loaded for this model; made anew each time, for the patch may leave before this."""
        plain = self.easel(vae)
        assert isinstance(plain.model, UnetModel)
        model = plain.model.with_patch(patch)
        return Easel(model=model, engine=Engine(model, pace=self._pace(), pulse=self._pulse), glance=plain.glance)

    def easel(self, vae: str = "") -> Easel:
        """With the VAE of that name, "" for the checkpoint's own; made anew where the VAE's file has changed."""
        place = companions.installed("vae", self._settings).get(vae) if vae else None
        marked = stamp(place) if place else None
        known, easel = self._made.get(vae, (None, None))
        if easel is None or (marked and marked != known):
            easel = self._make(self._model.with_vae(place or Path(vae)) if vae else self._model)
            self._made[vae] = marked, easel
        return easel

    def _make(self, model: Model) -> Easel:
        return Easel(
            model=model,
            engine=Engine(model, pace=self._pace(), pulse=self._pulse),
            glance=functools.cache(lambda: previews.fit(model, self._checkpoint.cell)),
        )

    def _pace(self) -> Pace:
        """On a processor one at a time, unless it is told: passes that are shared gain little there."""
        return Pace(self._settings.max_batch or (1 if self._model.device == "cpu" else 0))
