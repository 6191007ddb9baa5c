"""SD 1.5 at 512², full size, random weights, on a CUDA device: Gesso beside raw diffusers (`_unets.py`)."""

import tempfile
from pathlib import Path

from benchmarks import _unets
from benchmarks._watched import watched
from configs.settings import ROOT


def run(*, cases: int = 5) -> None:
    """cases: rounds, all arms in each. Raises SystemExit where there is no CUDA device."""
    import torch

    if not torch.cuda.is_available():
        raise SystemExit(
            "This needs a CUDA device: at full size a processor takes hours. Its arms at toy size are tested."
        )
    with tempfile.TemporaryDirectory() as folder:
        work = _unets.Work(
            name="random",
            models=Path(folder) / "models",
            side=512,
            device="cuda",
            number=torch.bfloat16,
            flops=None,
        )
        _unets.write_checkpoint(work, ROOT / "configs" / "parts" / "sd1")
        print(f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}\n")
        with watched(work.settings) as site:
            _unets.measure(work, site, cases)
        print(_unets.table(work))
