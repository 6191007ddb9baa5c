"""Sharpness, adaptive guidance and FreeU change what they shall, when they shall, and nobody else's picture."""

import numpy as np
import pytest

from pipelines.engine import Engine
from pipelines.plans import NO_FREEU, Painting
from tests.pipelines.recipes import paint, recipe

FREEU = (1.3, 1.4, 0.9, 0.2)


def painting(**more):
    return Painting(recipe=recipe(**more), seed=3, width=64, height=64)


def together(model, *paintings):
    """The pictures of requests that share every pass."""
    engine = Engine(model, max_batch=len(paintings))
    tickets = [engine.admit(one) for one in paintings]
    made = {stroke.ticket: stroke.picture for _ in range(100) for stroke in engine.step() if stroke.picture is not None}
    return [made[ticket] for ticket in tickets]


@pytest.mark.parametrize(
    ("neutral", "strong"),
    [
        ({"sharpness": 0.0}, {"sharpness": 30.0}),
        ({"adaptive_cfg": 4.0}, {"adaptive_cfg": 1.5}),
        ({"freeu": NO_FREEU}, {"freeu": FREEU}),
    ],
    ids=["sharpness", "adaptive_cfg", "freeu"],
)
def test_each_changes_the_picture_only_when_it_is_not_neutral(toy4, neutral, strong):
    usual = paint(toy4, painting())
    np.testing.assert_array_equal(usual, paint(toy4, painting(**neutral)))
    assert (usual != paint(toy4, painting(**strong))).any()
    np.testing.assert_array_equal(usual, paint(toy4, painting()))


@pytest.mark.parametrize("kind", ["sharpness", "adaptive_cfg", "freeu"])
def test_none_leaks_into_a_request_of_the_same_pass(toy4, kind):
    strong = painting(
        **{"sharpness": {"sharpness": 30.0}, "adaptive_cfg": {"adaptive_cfg": 1.5}}.get(kind, {"freeu": FREEU})
    )
    usual, alone = paint(toy4, painting()), paint(toy4, strong)
    first, second, third = together(toy4, painting(), strong, painting())
    for made, meant in ((first, usual), (second, alone), (third, usual)):
        assert np.abs(made.astype(int) - meant.astype(int)).max() <= 1


@pytest.mark.parametrize("sampler", ["ddim", "dpm_2", "dpmpp_sde", "euler_ancestral", "uni_pc_bh2"])
def test_sharpness_works_with_every_kind_of_sampler(toy4, sampler):
    made = [paint(toy4, painting(sampler=sampler, scheduler="normal", steps=4, sharpness=s)) for s in (0.0, 30.0)]
    difference = np.abs(made[0].astype(int) - made[1].astype(int))
    assert difference.max() > 0
    assert difference.mean() < 20


def test_sharpness_needs_no_guidance(toy4):
    made = [paint(toy4, painting(guidance_scale=1.0, sharpness=s, steps=6)) for s in (0.0, 30.0)]
    assert (made[0] != made[1]).any()
