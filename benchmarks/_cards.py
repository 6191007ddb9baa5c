"""The benchmarks for graphics cards: every arm in turns at full size, and the table of goals."""

import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks._goals import table
from benchmarks._unets import Work, measure, write_checkpoint
from benchmarks._watched import watched
from configs.settings import ROOT

WARM_S = 90.0


def on_a_card(parts: str, *, side: int, flops: tuple[float, float] | None, cases: int) -> None:
    """Measure the checkpoint of `configs/parts/<parts>` at full size, and print the table.

    Raises SystemExit where there is no CUDA device.
    """
    import torch

    if not torch.cuda.is_available():
        raise SystemExit(
            "This needs a CUDA device: at full size a processor takes hours. Its arms at toy size are tested."
        )
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        work = Work(name="random", models=models, side=side, device="cuda", number=torch.bfloat16, flops=flops)
        work = replace(work, warm_s=WARM_S)
        write_checkpoint(work, ROOT / "configs" / "parts" / parts)
        print(f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}\n")
        with watched(replace(work.settings, compile="default")) as site:
            measure(work, site, cases)
        print(table(work))
