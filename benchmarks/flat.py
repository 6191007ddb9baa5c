"""Whether memory stays where it is: the starter paints pictures of several sizes, round after round.

On a graphics card the device's is told, too.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from configs.settings import Compile, Settings
from pipelines.planning import resolve
from pipelines.plans import Plan
from pipelines.studio import Studio
from pipelines.tasks.text_to_image import TextToImage

SIZES = ((192, 320), (224, 288), (256, 256), (320, 192))
STEPS = 4
COLUMNS = {"worker_memory": "process, MiB", "device_memory": "device, MiB"}


def run(*, cases: int = 10) -> None:
    """cases: rounds. The first two load and prepare; with --compile a size is compiled from its second picture on."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(output_path=Path(folder), input_path=Path(folder), log_level="warning")
        ways: tuple[Compile, ...] = ("off", "default")
        for way in ways:
            studio = Studio(replace(settings, compile=way))
            print(f"--compile {way}:\n\n| round | " + " | ".join(COLUMNS.values()) + " |\n|---|---|---|")
            for number, taken in enumerate(rounds(studio, plans(studio.settings), cases), 1):
                cells = [f"{taken[name] / 2**20:.1f}" if name in taken else "-" for name in COLUMNS]
                print(f"| {number} | " + " | ".join(cells) + " |", flush=True)
            print()


def plans(settings: Settings) -> list[Plan]:
    """One picture of each size."""
    asked = (TextToImage(prompt="a fox", steps=STEPS, seed=1, width=width, height=height) for width, height in SIZES)
    return [resolve(each, settings) for each in asked]


def rounds(studio: Studio, plans: Sequence[Plan], number: int) -> Iterator[dict[str, float]]:
    """Bytes that the process takes, and its device, after each round of all plans."""
    for _ in range(number):
        for plan in plans:
            studio.run(plan, lambda _: None)
        with studio.easel(plans[0]) as easel:
            if easel.model.forms:
                easel.model.forms.settle()
        studio.held.machine.clear()
        yield studio.held.machine.taken()
