"""How long the server takes to answer and to have its models, and what its processes then take of memory."""

import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median

from benchmarks._watched import watched
from configs.settings import Settings


def run(*, cases: int = 3) -> None:
    """cases: starts, after one that does not count: it reads the files into the system's cache."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(output_path=home / "outputs", input_path=home / "inputs", threads=1, log_level="warning")
        starts = [start(settings) for _ in range(cases + 1)][1:]
    print("| from a process's start | seconds, median | least | most |\n|---|---|---|---|")
    for what, column in (("the server's first answer", 0), ("the models are there", 1), ("the first picture", 2)):
        each = [row[column] for row in starts]
        print(f"| {what} | {median(each):.1f} | {min(each):.1f} | {max(each):.1f} |")
    print("\n| memory after that picture | MiB, median |\n|---|---|")
    for what, column in (("the process that answers", 3), ("the worker", 4)):
        print(f"| {what} | {median(row[column] for row in starts) / 2**20:.0f} |")


def start(settings: Settings) -> tuple[float, float, float, float, float]:
    """Seconds to an answer, to the models, to a picture of 64² in one step; bytes of the server and of its worker."""
    import psutil

    begun = time.perf_counter()
    first: list[float] = []
    with watched(settings, answers=lambda: first.append(time.perf_counter() - begun)) as site:
        ready = time.perf_counter() - begun
        site.post("/v1/engine/generate", prompt="a ball", aspect_ratios_selection="64*64", overwrite_step=1)
        painted = time.perf_counter() - begun
        server = psutil.Process(site.process)
        workers = [child.memory_info().rss for child in server.children()]
        with urllib.request.urlopen(f"{site.url}/healthz"):
            return first[0], ready, painted, server.memory_info().rss, max(workers)
