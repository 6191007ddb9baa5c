"""Memory stays where it is, however many pictures of several sizes are painted, compiled or not."""

import gc
from pathlib import Path

import pytest
import torch

from benchmarks import flat
from configs.settings import Compile, Settings
from pipelines import compiling
from pipelines.planning import resolve
from pipelines.studio import Studio
from pipelines.tasks.text_to_image import TextToImage
from tests import toys
from tests.pipelines.test_compiling import Untouched

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{name} :DeprecationWarning") for name in ("__array__", "__array_wrap__")
]
"""diffusers 0.42 hands tensors to numpy 2.4 in ways that it warns of."""


def tensors() -> tuple[int, int]:
    """How many tensors there are, and their bytes."""
    gc.collect()
    alive = [each for each in gc.get_objects() if type(each) in (torch.Tensor, torch.nn.Parameter)]
    return len(alive), sum(each.untyped_storage().nbytes() for each in alive)


@pytest.mark.parametrize("way", ["off", "default"])
def test_nothing_is_left_of_a_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Compile) -> None:
    monkeypatch.setattr(torch, "compile", Untouched)
    monkeypatch.setenv(compiling.CACHE, str(tmp_path / "compiled"))
    toys.sdxl(tmp_path / "models" / "checkpoints" / "xl")
    told = {"models_path": tmp_path / "models", "output_path": tmp_path / "outputs"}
    settings = Settings(**told, device="cpu", compile=way)  # type: ignore[arg-type]
    plans = [
        resolve(TextToImage(checkpoint="xl", prompt="a fox", steps=2, seed=1, width=width, height=64), settings)
        for width in (64, 80, 96)
    ]
    seen = {}
    for number, taken in enumerate(flat.rounds(Studio(settings), plans, 6), 1):
        if number in (3, 6):
            seen[number] = taken["worker_memory"], tensors()
    assert seen[6][1] == seen[3][1]
    assert seen[6][0] - seen[3][0] < 16 * 2**20
