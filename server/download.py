"""`python -m server.download [name]`: fetch what has it into the models folder, and tell how far it is."""

import asyncio
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Sequence

from configs import sources
from configs.settings import Settings, SettingsError
from masking.errors import GessoError
from pipelines import needs
from server import transfer
from server.downloads import Download, File, gigabytes

SELDOM_S = 15.0
"""Between two lines where nobody looks on: in a log file."""
WIDTH = 100


def main(arguments: Sequence[str]) -> int:
    """Fetch; 0 when all is there, 1 when something is in the way, 2 for a wrong word, 130 when it was stopped."""
    try:
        line = sources.parser(
            "launch.py download", usage="launch.py download [preset, model, file or owner/name] [settings]"
        )
        line.add_argument("name", nargs="?")
        asked: Namespace = sources.read(line, arguments)
        settings = sources.decide(asked)
        return asyncio.run(_download(asked.name or settings.preset, settings))
    except (SettingsError, GessoError) as problem:
        print(problem, file=sys.stderr)
        return 2 if isinstance(problem, SettingsError) else 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on where this one was.", file=sys.stderr)
        return 130


async def _download(name: str, settings: Settings) -> int:
    """Raises a GessoError that says what cannot be fetched, and why."""
    download = Download(name, needs.of(name, settings), settings)
    if not download.files:
        print(f"Everything that {name} needs is there.")
        return 0
    async with transfer.client() as http:
        await download.measure(http)
    sizes = [f"  {file.needed.folder}/{file.needed.name}  {_size(file.total)}" for file in download.files]
    total, free = _size(download.total), gigabytes(download.free())
    print(f"{name} needs {total}, into {settings.models_path} ({free} are free):", *sizes, sep="\n", flush=True)
    job = asyncio.create_task(download.run())
    bar = Bar()
    async for _ in download.follow():
        bar.show(download)
    await job
    if download.error:
        print(download.error, file=sys.stderr)
    return 0 if download.state == "finished" else 1


class Bar:
    """One line a file on a terminal, written over again; elsewhere a line now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._file: File | None = None
        self._told_at = -SELDOM_S

    def show(self, download: Download) -> None:
        """How far the file is that is being fetched; the one before is left as it was in the end."""
        now = next((file for file in download.files if file.state in ("running", "waiting")), download.files[-1])
        if self._file not in (None, now):
            assert self._file
            self._print(_line(self._file, 0), ended=True)
        self._file = now
        if download.is_over:
            self._print(_line(now, 0), ended=True)
        elif self._terminal or time.monotonic() - self._told_at >= SELDOM_S:
            self._told_at = time.monotonic()
            self._print(_line(now, download.speed), ended=not self._terminal)

    def _print(self, line: str, *, ended: bool) -> None:
        start = "\r" if self._terminal else ""
        print(start + (line[:WIDTH].ljust(WIDTH) if self._terminal else line), end="\n" if ended else "", flush=True)


def _line(file: File, speed: int) -> str:
    """`  name  [#####.....]  50 %  3.5 of 6.9 GB  31.2 MB/s  1:50 left`."""
    share = file.got / file.total if file.total else float(file.state == "finished")
    bar = "#" * int(20 * share)
    words = [f"  {file.needed.name[-40:]}", f"[{bar:.<20}]", f"{int(100 * share):3} %"]
    words.append(f"{gigabytes(file.got)} of {_size(file.total)}")
    if speed and file.state == "running":
        words.append(f"{gigabytes(speed)}/s")
        left = int(((file.total or file.got) - file.got) / speed)
        words.append(f"{left // 60}:{left % 60:02} left")
    return "  ".join(words)


def _size(total: int | None) -> str:
    return "an unknown size" if total is None else gigabytes(total)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where what started this ignores Ctrl+C
    sys.exit(main(sys.argv[1:]))
