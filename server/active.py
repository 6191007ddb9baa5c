"""The preset that requests are based on where they name none: `--preset`'s, or the one that was activated since."""

import asyncio
import logging
from dataclasses import replace

from configs.settings import Settings
from masking.errors import GessoError, InvalidValue, ModelMissing
from pipelines import checkpoints, planning, presets, sources
from server.backends import Backend
from server.store import Store

log = logging.getLogger("gesso")

CHOICE = "preset"


def remembered(settings: Settings, store: Store) -> Settings:
    """The settings with the preset that an earlier run had activated.

    One that cannot be used any more is left, and so is one that was activated in the place of another `--preset` than
    today's: who starts with a new one means it.
    """
    kept = store.choice(CHOICE)
    if kept is None or kept["instead_of"] != settings.preset or kept["name"] == settings.preset:
        return settings
    chosen = replace(settings, preset=kept["name"])
    try:
        check(chosen.preset, chosen)
    except GessoError as problem:
        log.warning("Preset %s was active, and %s takes its place: %s", chosen.preset, settings.preset, problem)
        return settings
    log.info("Preset %s is active, as it was chosen in the place of %s.", chosen.preset, settings.preset)
    return chosen


def check(name: str, settings: Settings) -> None:
    """Raises InvalidValue (no such preset) or what `checkpoints.find` raises, blaming the preset."""
    preset = presets.load(name, planning.user_folder(settings))
    try:
        checkpoints.find(preset.checkpoint, settings)
    except GessoError as problem:
        if isinstance(problem, ModelMissing | InvalidValue) and sources.tells_where(preset):
            raise sources.to_fetch(preset, settings, "preset") from problem
        problem.field = "preset"
        raise


class ActivePreset:
    """Lives on the event loop. settings: those of the launch, with the preset that is active."""

    def __init__(self, launched: Settings, settings: Settings, store: Store, backend: Backend) -> None:
        self.settings = settings
        self._launched = launched
        self._store = store
        self._backend = backend
        self._turn = asyncio.Lock()
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, str] = {}

    def is_loading(self, name: str) -> bool:
        """Whether that preset has been asked for, and is not active yet."""
        return name in self._loading

    def failure(self, name: str) -> str | None:
        """Why a preset could not be activated when that was last asked for."""
        return self._failures.get(name)

    async def close(self) -> None:
        """Leave what is being loaded."""
        for job in (jobs := list(self._loading.values())):
            job.cancel()
        if jobs:
            await asyncio.wait(jobs)

    async def activate(self, name: str, *, wait: bool) -> None:
        """Have its models loaded after the plan that runs; then it is the active one, also after a restart.

        The one before stays active until then, and if it fails. Raises what `check` raises; with `wait` it returns when
        the preset is active, and raises what the worker could not do.
        """
        await asyncio.to_thread(self._check, name)
        job = self._loading.get(name)
        if job is None:
            job = self._loading[name] = asyncio.create_task(self._switch(name))
            job.add_done_callback(lambda ended: self._ended(name, ended))
        if wait:
            await asyncio.shield(job)

    def _check(self, name: str) -> None:
        check(name, self.settings)

    async def _switch(self, name: str) -> None:
        async with self._turn:
            await self._backend.switch(name)
            choice = {"name": name, "instead_of": self._launched.preset}
            await asyncio.to_thread(self._store.choose, CHOICE, choice)
            self.settings = replace(self.settings, preset=name)
            log.info("Preset %s is active.", name)

    def _ended(self, name: str, job: asyncio.Task[None]) -> None:
        del self._loading[name]
        self._failures.pop(name, None)
        if not job.cancelled() and (problem := job.exception()):
            log.error("Preset %s could not be activated: %s", name, problem)
            self._failures[name] = str(problem)
