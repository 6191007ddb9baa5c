"""The safety checker as Fooocus fetches it: one file, under the names that an older transformers wrote."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from configs.settings import Settings
from masking.errors import BrokenModel
from pipelines import safety
from tests.toy_companions import safety_checker

SEEN = Image.radial_gradient("L").convert("RGB")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), models_path=tmp_path)


def test_weights_alone_are_enough(tmp_path, settings):
    import torch

    state = safety_checker(tmp_path / "elsewhere", forbidden=SEEN).state_dict()
    older = {name.replace("vision_model.", "vision_model.vision_model.", 1): value for name, value in state.items()}
    older["vision_model.vision_model.embeddings.position_ids"] = torch.arange(17)[None]
    (tmp_path / "safety_checker").mkdir()
    torch.save(older, tmp_path / "safety_checker" / "stable-diffusion-safety-checker.bin")
    checker = safety.load(safety.installed(settings), "cpu")
    assert not checker.passes(SEEN)
    assert checker.passes(Image.effect_noise((64, 64), 90).convert("RGB"))


def test_a_damaged_file_is_named(tmp_path, settings):
    (tmp_path / "safety_checker").mkdir()
    (tmp_path / "safety_checker" / "mine.bin").write_bytes(b"not weights")
    with pytest.raises(BrokenModel, match=r"mine\.bin"):
        safety.load(safety.installed(settings), "cpu")
