"""An inpaint of a picture of 4096 × 4096 pixels without its model: all that happens to the pixels before and after."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.plans import NO_FREEU, EditReport, Recipe, Repainting, Shot
from pipelines.tasks.inpaint import InpaintPlan

SIDE, PAINTED = 4096, 1024
SHARES = (0.05, 0.25, 0.6)
"""Of the picture, how much the mask covers."""


def run(*, cases: int = 3) -> None:
    """cases: how often each is timed; the median is told."""
    print("CPU time of all threads (on idle cores the clock shows no more than that), and what the clock showed:\n")
    print("| mask covers | prepare | join | repair | all | clock |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for share in SHARES:
            plan = _plan(Path(folder), share)
            rows = [_timed(plan) for _ in range(cases)]
            told = " | ".join(f"{seconds:.1f} s" for seconds in np.median(rows, axis=0))
            print(f"| {share:.0%} | {told} |")


def _timed(plan: InpaintPlan) -> tuple[float, float, float, float, float]:
    """Seconds until the model is asked, from its answer to the end or to the repair, and from there to the end."""
    times: list[float] = []
    rng = np.random.default_rng(1)
    began = time.perf_counter()
    with _clock(times):
        drawing = plan.draw(plan.shots[0])
        asked = next(drawing)
    answers = 0
    try:
        while True:
            with _clock(times):
                if isinstance(asked, Repainting):
                    patch = (asked.image.astype(np.int16) + rng.integers(-40, 40, 3)).clip(0, 255).astype(np.uint8)
                    answers += 1
                    asked = drawing.send(patch)
                else:
                    assert isinstance(asked, EditReport)
                    asked = next(drawing)
    except StopIteration:
        pass
    return times[0], times[1], sum(times[2:]), sum(times), time.perf_counter() - began


@contextmanager
def _clock(times: list[float]) -> Iterator[None]:
    began = time.process_time()
    try:
        yield
    finally:
        times.append(time.process_time() - began)


def _plan(folder: Path, share: float) -> InpaintPlan:
    """The whole picture is seen, which is the most work."""
    rng = np.random.default_rng(0)
    soft = Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    noisy = np.asarray(soft).astype(np.int16) + rng.integers(-8, 9, (SIDE, SIDE, 1))
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / "image.png", compress_level=1)
    y, x = np.mgrid[:SIDE, :SIDE]
    inside = (x - SIDE / 2) ** 2 + (y - SIDE / 2) ** 2 < share * SIDE * SIDE / np.pi
    Image.fromarray(inside.astype(np.uint8) * 255).save(folder / "mask.png")
    recipe = Recipe(
        prompt="",
        negative_prompt="",
        styles=(),
        checkpoint="",
        steps=10,
        guidance_scale=1.0,
        sampler="euler",
        scheduler="normal",
        clip_skip=1,
        deterministic=False,
        freeu=NO_FREEU,
    )
    return InpaintPlan(
        preset="",
        performance="",
        recipe=recipe,
        painted=(PAINTED, PAINTED),
        shots=(Shot(seed=1, width=SIDE, height=SIDE, prompt="", negative_prompt=""),),
        image=folder / "image.png",
        mask=folder / "mask.png",
        inverted=False,
        grown=0,
        margins=(0, 0, 0, 0),
        box=(0, 0, SIDE, SIDE),
        inner=(PAINTED, PAINTED),
        cell=8,
        strength=1.0,
        respective_field=1.0,
        skipped=0,
        initial_latent=True,
    )
