"""In which numbers checkpoints are loaded and compute."""

import copy

import numpy as np
import torch

from pipelines.plans import Painting
from pipelines.weights import number_for
from tests.pipelines.recipes import paint, recipe, repainting


def test_numbers_are_chosen_by_what_the_device_computes_in(monkeypatch):
    assert [number_for(device) for device in ("cpu", "mps")] == [torch.float32] * 2
    for supported, expected in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda supported=supported, **_: supported)
        assert number_for("cuda") == expected


def test_a_vae_may_compute_in_other_numbers_than_the_rest(toy4):
    """As on cards without bfloat16, where a VAE stays in float32."""
    told = recipe(steps=2)
    painting = Painting(recipe=told, seed=1, width=64, height=64)
    other = copy.copy(toy4)
    other.vae = copy.deepcopy(toy4.vae).double()
    assert np.abs(paint(other, painting).astype(int) - paint(toy4, painting)).max() <= 1
    assert paint(other, repainting(told)).shape == (64, 64, 3)
