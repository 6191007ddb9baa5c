"""What the text encoders told of a text is kept for the next request, and nothing that is not the same any more."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from configs.settings import Settings
from pipelines import reading
from pipelines.checkpoints import find
from pipelines.engine import Engine
from pipelines.families import Model, families
from pipelines.plans import Painting
from pipelines.pulse import Pulse
from tests.pipelines.recipes import paint, recipe


@pytest.fixture(params=["toy4", "xl4"])
def model(request: pytest.FixtureRequest, models_path: Any) -> Model:
    settings = Settings(models_path=models_path)
    checkpoint = find(request.param, settings)
    return families()[checkpoint.family].load(checkpoint, "cpu", settings)


@pytest.fixture
def asked(model: Any) -> Callable[..., int]:
    """How many texts the first encoder has read for a recipe."""
    calls: list[int] = []
    encoder = model.reader.encoders[0].text_encoder
    encoder.register_forward_pre_hook(lambda *_: calls.append(1))

    def ask(**told: Any) -> int:
        before = len(calls)
        with torch.inference_mode():
            model.encode_prompt(Painting(recipe=recipe(**told), seed=1, width=64, height=64))
        return len(calls) - before

    return ask


def test_a_text_is_read_once_in_each_way(asked: Callable[..., int]) -> None:
    assert asked(prompt="a ball", negative_prompt="blue") == 2
    assert asked(prompt="a ball", negative_prompt="blue", steps=9, sampler="heun") == 0
    assert asked(prompt="a box", negative_prompt="blue") == 1, "the negative one is there"
    assert asked(prompt="a ball", negative_prompt="blue", clip_skip=2) == 1
    assert asked(prompt="a (ball:1.3)", negative_prompt="blue") == 1, "words with a weight need the empty text, too"
    assert asked(prompt="a (ball:1.5)", negative_prompt="blue") == 0


def test_the_picture_is_the_same_to_the_bit(model: Model) -> None:
    wanted = Painting(recipe=recipe(prompt="a (ball:1.2) at night"), seed=1, width=64, height=64)
    first, engine = paint(model, wanted), Engine(model, pulse=(pulse := Pulse()))
    engine.admit(wanted)
    facts = pulse.facts()
    assert (facts["prompt_misses"], facts["prompt_hits"] > 0) == (0, True)
    np.testing.assert_array_equal(paint(model, wanted), first)


def test_no_more_are_kept_than_may(model: Any, asked: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "KEPT", 3)
    for number in range(9):
        asked(prompt=f"ball {number}", guidance_scale=1.0)
    assert len(model.reader._told) == 3
    assert asked(prompt="ball 8", guidance_scale=1.0) == 0
    assert asked(prompt="ball 0", guidance_scale=1.0) == 1
