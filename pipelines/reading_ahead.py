"""The preset's weights read from the disk while Python still imports what loads them: then they lie in memory."""

import contextlib
import threading
from pathlib import Path

from configs.settings import Settings
from masking.errors import GessoError
from masking.machine import Machine
from pipelines import checkpoints, fitting, planning, presets

CHUNK = 1 << 23
SHARE = 0.5
"""Of the free main memory, so much may be filled: more would push out what was read first."""


def begin(settings: Settings) -> None:
    """In a thread of its own, which nobody has to wait for."""
    threading.Thread(target=read, args=(settings,), name="gesso-reading-ahead", daemon=True).start()


def read(settings: Settings) -> int:
    """The bytes that were read. Whatever is wrong with a preset or a file, who loads it tells."""
    try:
        files = _files(settings)
    except GessoError:
        return 0
    room, done, chunk = SHARE * Machine("cpu").main().free, 0, bytearray(CHUNK)
    for file in files:
        with contextlib.suppress(OSError), file.open("rb", buffering=0) as opened:
            if done + file.stat().st_size > room:
                break
            while count := opened.readinto(chunk):
                done += count
    return done


def _files(settings: Settings) -> list[Path]:
    preset = presets.load(settings.preset, planning.user_folder(settings))
    return fitting.files(checkpoints.find(preset.checkpoint, settings).parts)
