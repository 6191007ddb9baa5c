"""What the server adds to a picture, how long its event loop stands still meanwhile, and what previews cost.

The model is a toy of 64 × 64 pixels with random weights. Added is the wall time over HTTP less that of the same plan in
a studio of this process; the arms take turns.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks._watched import Watched, watched
from configs.settings import Settings
from pipelines.plans import Plan
from pipelines.studio import Studio

GENERATE = "/v1/engine/generate"
SMALL: dict[str, Any] = {"prompt": "a ball", "aspect_ratios_selection": "64*64", "base_model_name": "toy"}
PICTURES = 32
LARGE = 512
"""The side of the pictures whose encoding might hold the event loop up, pixels."""
LONG = 200
"""Steps of a picture whose previews are compared."""


def run(*, cases: int = 30) -> None:
    """cases: rounds of the first table; the others have a sixth of them."""
    with tempfile.TemporaryDirectory() as folder:
        settings = prepared(Path(folder))
        with watched(settings) as site:
            tell(site, settings, cases)


def prepared(folder: Path) -> Settings:
    """Settings with a toy checkpoint, which is the preset's own, too."""
    from tests.toys import stable_diffusion

    for name in ("toy", "gesso-starter"):
        stable_diffusion(folder / "models" / "checkpoints" / name)
    home = {"output_path": folder / "outputs", "input_path": folder / "inputs", "models_path": folder / "models"}
    return Settings(**home, device="cpu", threads=1, log_level="warning")  # type: ignore[arg-type]


def tell(site: Watched, settings: Settings, cases: int) -> None:
    """Print the tables."""
    from pipelines.planning import resolve
    from pipelines.tasks.text_to_image import TextToImage

    studio = Studio(settings)
    plan = resolve(TextToImage(checkpoint="toy", prompt="a ball", width=64, height=64, steps=1, seed=1), settings)
    ways: dict[str, Callable[[], object]] = {
        "over HTTP": lambda: site.post(GENERATE, **SMALL, overwrite_step=1, image_seed=1),
        "in a studio": lambda: painted(studio, plan),
        "GET /healthz": lambda: site_get(site, "/healthz"),
    }
    times = in_turns(ways, cases)
    print("| a picture of 64², one step | ms, median | 10 % | 90 % |\n|---|---|---|---|")
    for name, taken in times.items():
        print(f"| {name} | {spread(taken)} |")
    adds = [(one - other) * 1e3 for one, other in zip(times["over HTTP"], times["in a studio"], strict=True)]
    print(f"\nSo the server adds {median(adds):.1f} ms (goal 11: at most 15, stretch 5).\n")
    _stalls(site, max(1, cases // 6))
    _previews(site, max(2, cases // 6))


def painted(studio: Studio, plan: Plan) -> object:
    return studio.run(plan, lambda _: None)


def site_get(site: Watched, path: str) -> bytes:
    import urllib.request

    with urllib.request.urlopen(site.url + path) as answer:
        told: bytes = answer.read()
        return told


def in_turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, all of them once a round after one that does not count."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            if number:
                times[name].append(time.perf_counter() - begun)
    return times


def spread(taken: Sequence[float]) -> str:
    cuts = quantiles(taken, n=10) if len(taken) > 1 else [taken[0]] * 9
    return f"{median(taken) * 1e3:.1f} | {cuts[0] * 1e3:.1f} | {cuts[-1] * 1e3:.1f}"


def _stalls(site: Watched, rounds: int) -> None:
    """The longest time the loop stood still while pictures were made, and in as long a time without work."""
    work: list[float] = []
    idle: list[float] = []
    for _ in range(rounds):
        site.stalls()
        begun = time.perf_counter()
        site.post(
            GENERATE, **SMALL | {"aspect_ratios_selection": f"{LARGE}*{LARGE}"}, overwrite_step=1, image_number=PICTURES
        )
        lasted = time.perf_counter() - begun
        work.append(max(site.stalls()))
        time.sleep(min(lasted, 10))
        idle.append(max(site.stalls()))
    print(f"| the event loop, {PICTURES} pictures of {LARGE}² | longest stall, ms, median | least | most |")
    print("|---|---|---|---|")
    for name, each in (("at work", work), ("idle", idle)):
        print(f"| {name} | {median(each) * 1e3:.1f} | {min(each) * 1e3:.1f} | {max(each) * 1e3:.1f} |")
    print("\nGoal 13: at most 20 ms, stretch 5; what the idle loop shows is the machine's own.\n")


def _previews(site: Watched, rounds: int) -> None:
    """A client follows the events in both arms; only in one of them are there previews."""
    shown: list[int] = []

    def made(off: bool) -> Callable[[], object]:
        fields = SMALL | {"overwrite_step": LONG, "image_seed": 1, "disable_preview": off}

        def follow() -> None:
            shown.append(sum(bool(event["preview"]) for event in site.follow(GENERATE, **fields)))

        return follow

    times = in_turns({"without previews": made(True), "with previews": made(False)}, rounds)
    print(f"| {LONG} steps of 64², followed | ms, median | 10 % | 90 % |\n|---|---|---|---|")
    for name, taken in times.items():
        print(f"| {name} | {spread(taken)} |")
    ratios = [without / with_them for without, with_them in zip(*times.values(), strict=True)]
    print(f"\nWith previews, {max(shown)} of them, it is {median(ratios):.3f} times as fast (goal 14: at least 0.98).")
