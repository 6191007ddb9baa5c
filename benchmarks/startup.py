"""How long the server takes to answer, to have its models and to paint, and what its processes then take of memory.

Beside it stands raw diffusers' script, from its process's start to its first picture in a file: goal 8, on the starter.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median

from benchmarks._watched import watched
from benchmarks.baselines import starter
from configs.settings import ROOT, Settings

SIDE = 64


def run(*, cases: int = 3) -> None:
    """cases: starts, after one that does not count: it reads the files into the system's cache."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(output_path=home / "outputs", input_path=home / "inputs", threads=1, log_level="warning")
        starts, scripts = [], []
        for _ in range(cases + 1):  # in turns
            starts.append(start(settings))
            scripts.append(script(home / "raw.png"))
    starts, scripts = starts[1:], scripts[1:]
    print("| from a process's start | seconds, median | least | most |\n|---|---|---|---|")
    for what, column in (("the server's first answer", 0), ("the models are there", 1), ("the first picture", 2)):
        each = [row[column] for row in starts]
        print(f"| {what} | {median(each):.1f} | {min(each):.1f} | {max(each):.1f} |")
    print(
        f"| a raw diffusers script's first picture | {median(scripts):.1f} | {min(scripts):.1f} | {max(scripts):.1f} |"
    )
    ratio = median(row[2] for row in starts) / median(scripts)
    print(f"\nThe first picture takes {ratio:.2f} times as long as by the script (goal 8: at most 1.1, stretch 0.8).")
    print("\n| memory after that picture | MiB, median |\n|---|---|")
    for what, column in (("the process that answers", 3), ("the worker", 4)):
        print(f"| {what} | {median(row[column] for row in starts) / 2**20:.0f} |")


def script(picture: Path) -> float:
    """Seconds until diffusers' own script has written such a picture and ended, which takes it nothing to speak of."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", starter.__name__, str(SIDE), str(picture)],
        check=True,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return time.perf_counter() - begun


def start(settings: Settings) -> tuple[float, float, float, float, float]:
    """Seconds to an answer, to the models, to a picture of 64² in one step; bytes of the server and of its worker."""
    import psutil

    begun = time.perf_counter()
    first: list[float] = []
    with watched(settings, answers=lambda: first.append(time.perf_counter() - begun)) as site:
        ready = time.perf_counter() - begun
        site.post("/v1/engine/generate", prompt="a ball", aspect_ratios_selection=f"{SIDE}*{SIDE}", overwrite_step=1)
        painted = time.perf_counter() - begun
        server = psutil.Process(site.process)
        workers = [child.memory_info().rss for child in server.children()]
        with urllib.request.urlopen(f"{site.url}/healthz"):
            return first[0], ready, painted, server.memory_info().rss, max(workers)
