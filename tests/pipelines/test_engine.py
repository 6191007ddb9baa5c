"""Requests share forward passes without feeling each other."""

import dataclasses

import numpy as np
import pytest

from pipelines.engine import Engine, Stroke
from pipelines.plans import Painting, Pixels
from tests.pipelines.recipes import paint, recipe, repainting

REQUESTS = [
    Painting(recipe=recipe(steps=2), seed=1, width=64, height=64),
    Painting(recipe=recipe(steps=4, sampler="euler", prompt="a box", guidance_scale=7.5), seed=2, width=64, height=64),
    Painting(recipe=recipe(steps=3, sampler="heun", guidance_scale=1.0), seed=3, width=64, height=64),
    Painting(recipe=recipe(steps=3, sampler="ddim", scheduler="normal"), seed=4, width=64, height=64),
    repainting(recipe(steps=3, sampler="euler_ancestral")),
    repainting(recipe(steps=2), skipped=2),
]


def run(engine: Engine) -> tuple[dict[int, Pixels], list[list[Stroke]]]:
    passes = []
    while engine.busy:
        passes.append(engine.step())
    strokes = [stroke for group in passes for stroke in group]
    return {stroke.ticket: stroke.picture for stroke in strokes if stroke.picture is not None}, passes


def differences(ours: Pixels, alone: Pixels) -> int:
    return int(np.abs(ours.astype(int) - alone.astype(int)).max())


@pytest.mark.parametrize("name", ["toy4", "toy9"])
def test_requests_that_differ_in_everything_share_passes_and_look_as_if_alone(request, name):
    model = request.getfixturevalue(name)
    engine = Engine(model, max_batch=8)
    tickets = [engine.admit(painting) for painting in REQUESTS]
    pictures, passes = run(engine)
    assert max(len(group) for group in passes) == len(REQUESTS)
    for ticket, painting in zip(tickets, REQUESTS, strict=True):
        assert differences(pictures[ticket], paint(model, painting)) <= 1


def test_a_request_joins_and_another_leaves_between_steps(toy4):
    engine = Engine(toy4, max_batch=8)
    first = engine.admit(REQUESTS[1])
    engine.step()
    second = engine.admit(REQUESTS[0])
    third = engine.admit(REQUESTS[3])
    assert {stroke.ticket for stroke in engine.step()} == {first, second, third}
    engine.withdraw(third)
    pictures, passes = run(engine)
    assert {stroke.ticket for stroke in passes[0]} == {first, second}
    assert set(pictures) == {first, second}
    assert differences(pictures[first], paint(toy4, REQUESTS[1])) <= 1
    assert differences(pictures[second], paint(toy4, REQUESTS[0])) <= 1


def test_no_more_than_max_batch_share_a_pass_and_nobody_starves(toy4):
    engine = Engine(toy4, max_batch=2)
    tickets = [engine.admit(dataclasses.replace(REQUESTS[0], seed=i)) for i in range(5)]
    pictures, passes = run(engine)
    assert set(pictures) == set(tickets)
    assert max(len(group) for group in passes) == 2
    assert {stroke.ticket for group in passes[:3] for stroke in group} == set(tickets)


def test_a_deterministic_request_has_its_passes_for_itself_and_is_bit_equal(toy4):
    engine = Engine(toy4, max_batch=8)
    engine.admit(REQUESTS[0])
    engine.admit(REQUESTS[1])
    alone = dataclasses.replace(REQUESTS[1], recipe=dataclasses.replace(REQUESTS[1].recipe, deterministic=True))
    ticket = engine.admit(alone)
    pictures, passes = run(engine)
    assert all(len(group) == 1 for group in passes if ticket in {stroke.ticket for stroke in group})
    np.testing.assert_array_equal(pictures[ticket], paint(toy4, REQUESTS[1]))


def test_other_sizes_take_turns(toy4):
    engine = Engine(toy4, max_batch=8)
    wide = engine.admit(dataclasses.replace(REQUESTS[1], width=96))
    square = engine.admit(REQUESTS[1])
    _, passes = run(engine)
    assert [group[0].ticket for group in passes[:4]] == [wide, square, wide, square]


def test_steps_are_told_one_by_one(toy4):
    engine = Engine(toy4)
    engine.admit(REQUESTS[1])
    _, passes = run(engine)
    assert [(stroke.step, stroke.steps) for group in passes for stroke in group] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_what_the_model_could_not_read_is_told(toy4):
    engine = Engine(toy4)
    engine.admit(dataclasses.replace(REQUESTS[0], recipe=recipe(prompt="a" * 75 + " red balls")))
    lost = engine.step()[0].lost
    assert "red" in lost.replace(" ", "")
    assert "aaaa" not in lost.replace(" ", "")


def test_karras_sigmas_reach_the_ancestral_sampler(toy4):
    karras = Painting(recipe=recipe(sampler="euler_ancestral", scheduler="karras"), seed=1, width=64, height=64)
    normal = dataclasses.replace(karras, recipe=recipe(sampler="euler_ancestral", scheduler="normal"))
    assert differences(paint(toy4, karras), paint(toy4, normal)) > 2
