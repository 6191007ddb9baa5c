"""Eight clients at once on the starter, beside raw diffusers painting the same eight pictures one by one (goal 12).

Every arm has all of the processor: diffusers and the first servers by as many threads as torch takes of itself, the
last one by a worker of one thread for each core.
"""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._watched import Watched, watched
from benchmarks.baselines import starter
from configs.settings import Settings

CLIENTS = 8
SIDE = 256
STEPS = (6, 8, 7, 9, 6, 8, 7, 9)
"""Of each client's picture: fewer than usual, for a processor's sake."""
TOGETHER = 4


def run(*, cases: int = 3) -> None:
    """cases: rounds, all arms in each, after one that does not count."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        settings = Settings(output_path=home / "outputs", input_path=home / "inputs", device="cpu", log_level="warning")
        sharing = replace(settings, max_batch=TOGETHER, database=home / "sharing.sqlite3")
        apart = replace(sharing, devices=("cpu",) * (os.cpu_count() or 1), threads=1, database=home / "apart.sqlite3")
        servers = {
            "Gesso, --max-batch 1": stack.enter_context(watched(settings)),
            f"Gesso, --max-batch {TOGETHER}": stack.enter_context(watched(sharing)),
            f"Gesso, --max-batch {TOGETHER}, a worker a core": stack.enter_context(watched(apart)),
        }
        print(table(measure(servers, cases)))


def measure(servers: Mapping[str, Watched], rounds: int, name: str = "") -> dict[str, list[float]]:
    """Seconds for all pictures by arm. name: of the checkpoint, "" for the preset's own, which is the starter."""
    arms: dict[str, Callable[[], object]] = {arm: partial(_at_once, site, name) for arm, site in servers.items()}
    if not name:
        raw = starter.pipeline()
        arms = {"diffusers, one by one": lambda: _one_by_one(raw), **arms}
    times: dict[str, list[float]] = {arm: [] for arm in arms}
    for number in range(rounds + 1):
        for arm, work in arms.items():
            begun = time.perf_counter()
            work()
            if number:
                times[arm].append(time.perf_counter() - begun)
    return times


def table(times: dict[str, list[float]]) -> str:
    lines = [f"| {CLIENTS} pictures of {SIDE}² | seconds, median | least | most | pictures a second beside the first |"]
    lines.append("|---|---|---|---|---|")
    first = median(next(iter(times.values())))
    for arm, each in times.items():
        lines.append(f"| {arm} | {median(each):.1f} | {min(each):.1f} | {max(each):.1f} | {first / median(each):.2f} |")
    return "\n".join([*lines, "", "Goal 12: at least 1.0, stretch 1.3."])


def _at_once(site: Watched, name: str) -> list[Any]:
    told = {"base_model_name": name} if name else {}

    def ask(number: int) -> Any:
        return site.post(
            "/v1/engine/generate",
            prompt=f"a red ball, number {number}",
            aspect_ratios_selection=f"{SIDE}*{SIDE}",
            overwrite_step=STEPS[number],
            guidance_scale=4.0 + number % 3,
            image_seed=number,
            **told,
        )

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(ask, range(CLIENTS)))


def _one_by_one(made: Any) -> None:
    for number in range(CLIENTS):
        starter.paint(
            made,
            f"a red ball, number {number}",
            side=SIDE,
            steps=STEPS[number],
            guidance=4.0 + number % 3,
            seed=number,
        )
