"""The benchmarks for graphics cards run, at toy size on a processor, through all that they do on a card."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch

from benchmarks import _goals, _unets, sdxl
from configs.settings import ROOT
from pipelines import compiling
from tests.toys import sdxl as toy_sdxl

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{name} :DeprecationWarning") for name in ("__array__", "__array_wrap__")
]
"""diffusers 0.42 hands tensors to numpy 2.4 in ways that it warns of."""

COMPILER = {"backend": "eager"}
"""A compiler that traces and writes no code: the real one takes minutes."""


def small_parts(folder: Path) -> Path:
    """Configs as in configs/parts/sdxl, of a toy's size."""
    toy = toy_sdxl(folder / "toy")
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        config = json.loads((toy / part / "config.json").read_text(encoding="utf-8"))
        if part.startswith("text"):
            config |= {"vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 1}
        (folder / "parts" / part).mkdir(parents=True)
        (folder / "parts" / part / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for part in ("tokenizer", "tokenizer_2", "scheduler"):
        shutil.copytree(ROOT / "configs" / "parts" / "sdxl" / part, folder / "parts" / part)
    return folder / "parts"


@pytest.mark.long
def test_all_arms_paint_with_the_same_weights_and_every_goal_has_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = _unets.Work(
        name="random",
        models=tmp_path / "models",
        side=64,
        device="cpu",
        number=torch.float32,
        steps=2,
        mixed=(2, 3),
        many=3,
        compiler=COMPILER,
    )
    monkeypatch.setattr(compiling, "BACKEND", "eager")
    _unets.write_checkpoint(work, small_parts(tmp_path))
    _unets.measure(work, None, rounds=1)
    told = _goals.table(work)
    assert re.findall(r"^\| ([\d-]) \|", told, re.M) == ["1", "1", "2", "3", "3", "3", "3", "4", "4", "6", "-"]
    assert all(len(times) == 1 and times[0] > 0 for times in work.times.values())


def test_without_a_graphics_card_it_says_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(SystemExit, match="CUDA"):
        sdxl.run()
