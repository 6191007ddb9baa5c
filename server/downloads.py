"""Downloads: what a preset needs, file by file into the models folder; one at a time, and each can be called off."""

import asyncio
import errno
import logging
import shutil
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import httpx
from filelock import FileLock, Timeout

from configs.settings import Settings
from masking.errors import GessoError
from pipelines.needs import Needed
from server import hub, transfer
from server.errors import DownloadFailed
from server.partial import Partial
from server.sites import Sites
from server.transfer import Wanted

log = logging.getLogger("gesso")

State = Literal["waiting", "running", "finished", "failed", "stopped"]
LOCK = ".download.lock"
KEPT_FREE = 256 << 20
"""Bytes of the disk that are left to everything else."""
SPEED_OVER_S = 5.0
MOST_KEPT = 100
AT_MOST_EVERY_S = 0.25


@dataclass(kw_only=True, eq=False)
class File:
    """One of a download's files: bytes that are there, and how many it will be (None: not known yet)."""

    needed: Needed
    got: int = 0
    total: int | None = None
    state: State = "waiting"


class Download:
    """The files that something needs. Lives on the event loop; `error` tells why it failed, and the way out."""

    def __init__(self, name: str, needed: Sequence[Needed], settings: Settings) -> None:
        self.id = uuid.uuid4().hex
        self.name = name
        self.files = tuple(File(needed=one) for one in needed)
        self.state: State = "waiting"
        self.error: str | None = None
        self._settings = settings
        self._sites = Sites(settings)
        self._marks: deque[tuple[float, int]] = deque()
        self._changed = asyncio.Event()
        for file in self.files:
            self._sites.first(file.needed.url)  # raises InvalidValue

    @property
    def got(self) -> int:
        """Bytes that are there, those of an earlier attempt included."""
        return sum(file.got for file in self.files)

    @property
    def total(self) -> int | None:
        """Bytes of all files; None while one of them is not known."""
        sizes = [file.total for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size)

    @property
    def speed(self) -> int:
        """Bytes a second, over the last few seconds."""
        if self.state != "running" or len(self._marks) < 2:
            return 0
        (since, before), (until, now) = self._marks[0], self._marks[-1]
        return int((now - before) / max(until - since, 1e-3))

    @property
    def is_over(self) -> bool:
        return self.state not in ("waiting", "running")

    async def follow(self) -> AsyncIterator[None]:
        """Once now and after each change, but not all the time; ends after the end."""
        while True:
            changed = self._changed
            yield
            if self.is_over:
                return
            await asyncio.sleep(AT_MOST_EVERY_S)
            await changed.wait()

    async def run(self) -> None:
        """Fetch what is missing. What goes wrong is told in `state` and `error`."""
        self._become("running")
        try:
            self._settings.models_path.mkdir(parents=True, exist_ok=True)
            with FileLock(self._settings.models_path / LOCK, timeout=0):
                async with await asyncio.to_thread(transfer.client) as http:
                    await self.measure(http)
                    self._refuse_full()
                    for file in self.files:
                        await self._fetch(http, file)
        except asyncio.CancelledError:
            self._become("stopped")
            raise
        except Timeout:
            self._become("failed", f"Another program is fetching into {self._settings.models_path}: wait for its end.")
        except GessoError as problem:
            self._become("failed", str(problem))
        except OSError as problem:
            self._become("failed", self._plain(problem))
        except Exception as problem:  # whatever it was: the download's record tells
            log.exception("The download of %s failed.", self.name)
            self._become("failed", f"{type(problem).__name__}: {problem}")
        else:
            self._become("finished")

    async def measure(self, http: httpx.AsyncClient) -> None:
        """Ask every host for the size of its file, the hub for a repository's. Raises DownloadFailed."""
        self.files = tuple([each for file in self.files for each in await self._listed(http, file)])
        for file in self.files:
            wanted = Wanted(url=file.needed.url, sha256=file.needed.sha256)
            if (total := file.needed.total) is None:
                with self._at(file):
                    total = (await transfer.look(http, self._sites, wanted)).total
            file.total = total
            file.got = min(await asyncio.to_thread(self._partial(file).had, wanted.url), file.total or 0)
            file.state = "waiting"
        self._marks.clear()
        self._tell()

    async def _listed(self, http: httpx.AsyncClient, file: File) -> list[File]:
        """The files of a repository that are not there yet; what is a file already, as it is."""
        if not file.needed.repository:
            return [file]
        with self._at(file):
            found = await hub.files(http, self._sites, file.needed)
        return [File(needed=one, total=one.total) for one in found if not one.place(self._settings).exists()]

    def free(self) -> int:
        """Bytes that the disk of the models folder has room for."""
        place = self._settings.models_path
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        return shutil.disk_usage(there).free

    def stop(self) -> None:
        """It is called off before its turn came."""
        if not self.is_over:
            self._become("stopped")

    def _refuse_full(self) -> None:
        free = self.free()
        due = sum((file.total or 0) - file.got for file in self.files)
        if due + KEPT_FREE > free:
            raise DownloadFailed(
                f"The disk of {self._settings.models_path} has too little room: {gigabytes(due + KEPT_FREE)} are "
                f"needed, {gigabytes(free)} are free. Make room, or take another folder with --models-path."
            )

    async def _fetch(self, http: httpx.AsyncClient, file: File) -> None:
        def tell(got: int, total: int | None) -> None:
            file.got, file.total = got, total if file.total is None else file.total
            self._tell()

        wanted = Wanted(url=file.needed.url, sha256=file.needed.sha256)
        with self._at(file):
            await transfer.fetch(http, self._sites, wanted, self._partial(file), tell)
        file.state = "finished"

    @contextmanager
    def _at(self, file: File) -> Iterator[None]:
        """What goes wrong with a file tells where to put it by hand."""
        file.state = "running"
        try:
            yield
        except DownloadFailed as problem:
            place = file.needed.place(self._settings)
            what = " (model_index.json and the folders that it names, of weights the .safetensors)"
            which = f"{file.needed.url}{what if file.needed.repository else ''}"
            way = f"Or fetch {which} by other means, and put it there: {place}"
            raise DownloadFailed(f"{problem} {way}") from problem

    def _partial(self, file: File) -> Partial:
        return Partial(file.needed.place(self._settings))

    def _plain(self, problem: OSError) -> str:
        if problem.errno == errno.ENOSPC:
            return f"The disk of {self._settings.models_path} is full: make room, and ask again."
        return f"{problem.filename or self._settings.models_path}: {problem.strerror or problem}."

    def _become(self, state: State, error: str | None = None) -> None:
        for file in self.files:
            if file.state == "running" and state != "running":
                file.state = state
        self.state, self.error = state, error
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        self._marks.append((now, self.got))
        while self._marks[0][0] < now - SPEED_OVER_S:
            self._marks.popleft()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Downloads:
    """Every download since the server began, the newest last. Lives on the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._all: dict[str, Download] = {}
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Stop them; what has come so far is gone on with when it is asked for again."""
        for job in (jobs := list(self._jobs.values())):
            job.cancel()
        if jobs:
            await asyncio.wait(jobs)

    def all(self) -> list[Download]:
        return list(self._all.values())

    def get(self, download_id: str) -> Download | None:
        return self._all.get(download_id)

    def begin(self, name: str, needed: Sequence[Needed]) -> Download:
        """Fetch it when its turn comes; one of that name that has not ended yet is taken. Raises InvalidValue."""
        for known in self._all.values():
            if known.name == name and not known.is_over:
                return known
        made = Download(name, needed, self._settings)
        self._all[made.id] = made
        job = self._jobs[made.id] = asyncio.create_task(self._run(made))
        job.add_done_callback(lambda _: self._jobs.pop(made.id))
        over = [known.id for known in self._all.values() if known.is_over]
        for old in over[:-MOST_KEPT]:
            del self._all[old]
        return made

    async def stop(self, download: Download) -> bool:
        """Call it off; False: it had ended by itself."""
        job = self._jobs.get(download.id)
        if download.is_over or job is None:
            return False
        job.cancel()
        await asyncio.wait([job])
        return download.state == "stopped"

    async def _run(self, download: Download) -> None:
        try:
            async with self._turn:
                await download.run()
        except asyncio.CancelledError:
            download.stop()
            raise


def gigabytes(count: int) -> str:
    """Bytes as a person reads them."""
    size, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
