"""Eight clients at once on the starter, beside raw diffusers painting the same eight pictures one by one (goal 12)."""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._watched import Watched, watched
from configs.settings import ROOT, Settings

CLIENTS = 8
SIDE = 256
STEPS = (6, 8, 7, 9, 6, 8, 7, 9)
"""Of each client's picture: fewer than usual, for a processor's sake."""
TOGETHER = 4


def run(*, cases: int = 3) -> None:
    """cases: rounds, all arms in each, after one that does not count."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            output_path=Path(folder) / "outputs",
            input_path=Path(folder) / "inputs",
            device="cpu",
            threads=1,
            log_level="warning",
        )
        sharing = replace(settings, max_batch=TOGETHER, database=Path(folder) / "sharing.sqlite3")
        with watched(settings) as plain, watched(sharing) as shared:
            print(table(measure(plain, shared, cases)))


def measure(plain: Watched, shared: Watched, rounds: int, name: str = "") -> dict[str, list[float]]:
    """Seconds for all pictures by arm. name: of the checkpoint, "" for the preset's own, which is the starter."""
    arms: dict[str, Callable[[], object]] = {
        "Gesso, --max-batch 1": lambda: _at_once(plain, name),
        f"Gesso, --max-batch {TOGETHER}": lambda: _at_once(shared, name),
    }
    if not name:
        raw = _starter()
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


class AlsoNine(int):
    """The channels of a UNet made for inpainting; diffusers asks whether they are nine, and needs no more than that."""

    def __eq__(self, other: object) -> bool:
        return other == 9 or int(self) == other

    __hash__ = int.__hash__


def _starter() -> Any:
    """diffusers' pipeline of the starter, which is made for inpainting."""
    import diffusers
    import torch

    folder = ROOT / "models" / "starter" / "checkpoints" / "gesso-starter"
    asked = {"safety_checker": None, "local_files_only": True, "torch_dtype": torch.float32}
    made = diffusers.StableDiffusionInpaintPipeline.from_pretrained(folder, **asked)
    made.unet.register_to_config(in_channels=AlsoNine(made.unet.config.in_channels))
    made.set_progress_bar_config(disable=True)
    return made


def _one_by_one(made: Any) -> None:
    import torch
    from PIL import Image

    blank, everything = Image.new("RGB", (SIDE, SIDE)), Image.new("L", (SIDE, SIDE), 255)
    for number in range(CLIENTS):
        made(
            prompt=f"a red ball, number {number}",
            image=blank,
            mask_image=everything,
            height=SIDE,
            width=SIDE,
            num_inference_steps=STEPS[number],
            guidance_scale=4.0 + number % 3,
            generator=torch.Generator("cpu").manual_seed(number),
        )
