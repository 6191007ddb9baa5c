"""Weights are read ahead of whoever loads them, all of them once, and never more than memory has room for."""

import pytest

from configs.settings import ROOT, Settings
from pipelines import reading_ahead

STARTER = ROOT / "models" / "starter" / "checkpoints" / "gesso-starter"


def test_all_weights_of_the_presets_checkpoint_are_read() -> None:
    weights = [file.stat().st_size for file in STARTER.rglob("*.safetensors")]
    assert len(weights) == 3
    assert reading_ahead.read(Settings()) == sum(weights)


def test_what_memory_has_no_room_for_is_left_to_who_loads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_ahead, "SHARE", 1e-9)
    assert reading_ahead.read(Settings()) == 0


def test_a_preset_that_is_not_there_is_nothing_to_read() -> None:
    assert reading_ahead.read(Settings(preset="no-such-preset")) == 0
