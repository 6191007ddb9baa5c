"""Plans that share passes do not feel each other: neither in their pixels, nor in their faults, nor in their ends."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from configs.settings import Settings
from pipelines.batch import Batch
from pipelines.easels import Easel
from pipelines.engine import Engine
from pipelines.events import Event, Finished, Picture, Step
from pipelines.planning import resolve
from pipelines.plans import Painting, Pixels, Plan
from pipelines.session import Session
from pipelines.studio import Studio
from pipelines.tasks.inpaint import Inpaint
from pipelines.tasks.text_to_image import TextToImage
from pipelines.tasks.vary import Vary
from tests.pipelines.passes import rows_of_passes
from tests.pipelines.recipes import picture, recipe, repainting, round_hole

SIZE: dict[str, Any] = {"width": 64, "height": 64}


class Guest:
    """A plan in a batch, and what is told of it."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.events, self.say = plan, list[Event](), list[Any]()
        self.problem: Exception | None = None

    def said(self) -> list[Any]:
        say, self.say = self.say, []
        return say

    @property
    def pixels(self) -> list[np.ndarray]:
        pictures = sorted((e for e in self.events if isinstance(e, Picture)), key=lambda event: event.index)
        return [np.frombuffer(event.image, np.uint8).astype(int) for event in pictures]

    @property
    def steps(self) -> int:
        return sum(isinstance(event, Step) for event in self.events)


class Table:
    """A studio's batch: who joins is drawn until all have left."""

    def __init__(self, studio: Studio, easel: Easel) -> None:
        self._studio, self._easel, self._guests = studio, easel, dict[str, Guest]()
        self.batch = Batch(easel, studio.held, left=self._left)

    def join(self, plan: Plan) -> Guest:
        guest = Guest(plan)
        name = str(len(self._guests))
        self._guests[name] = guest
        session = self._studio.session(plan, self._easel, name=name, tell=guest.events.append, said=guest.said)
        self.batch.join(session)
        return guest

    def _left(self, session: Session, problem: Exception | None) -> None:
        self._guests[session.name].problem = problem

    def until(self, done: Callable[[], object]) -> None:
        while not done():
            assert self.batch.busy
            self.batch.go_on()

    def finish(self) -> None:
        self.until(lambda: not self.batch.busy)


@pytest.fixture(scope="module")
def studio(models_path) -> Studio:
    return Studio(Settings(models_path=models_path, device="cpu", max_batch=4))


@pytest.fixture(params=["toy4", "toy9", "xl4", "xl9"])
def plans(request, settings) -> list[Plan]:
    """Three tasks that differ in all but the checkpoint and the size."""
    Image.fromarray(picture()).save(settings.output_path / "image.png")
    Image.fromarray(round_hole().astype(np.uint8) * 255).save(settings.output_path / "mask.png")
    image, common = settings.output_path / "image.png", dict[str, Any](checkpoint=request.param)
    return [
        resolve(TextToImage(prompt="a ball", steps=9, sampler="euler", seed=1, **SIZE, **common), settings),
        resolve(
            Vary(image=image, method="strong", prompt="night", steps=6, guidance_scale=7.0, seed=2, **common), settings
        ),
        resolve(
            Inpaint(
                image=image,
                mask=settings.output_path / "mask.png",
                prompt="a tree",
                steps=4,
                guidance_scale=1.0,
                sampler="euler_ancestral",
                seed=3,
                seam_repair=False,
                **common,
            ),
            settings,
        ),
    ]


@contextmanager
def table(studio: Studio, plan: Plan) -> Iterator[Table]:
    with studio.easel(plan) as easel:
        yield Table(studio, easel)


def test_tasks_that_differ_in_all_share_passes_come_and_go_and_look_as_if_alone(studio, plans):
    assert len({plan.batch_key for plan in plans}) == 1
    alone = [np.asarray(studio.run(plan, lambda _: None)[0]).astype(int).ravel() for plan in plans]
    with table(studio, plans[0]) as shared, rows_of_passes(studio, plans[0]) as seen:
        first = shared.join(plans[0])
        shared.until(lambda: first.steps == 3)
        others = [shared.join(plan) for plan in plans[1:]]
        shared.finish()
    guests = [first, *others]
    for guest, expected in zip(guests, alone, strict=True):
        assert isinstance(guest.events[-1], Finished)
        assert np.abs(guest.pixels[0] - expected).max() <= 1
    assert seen[:3] == [2, 2, 2], "at first it is alone"
    assert seen[3:5] == [5, 5], "the others enter at the next step: two rows under guidance, one without"
    assert len(seen) < sum(guest.steps for guest in guests)


@pytest.mark.parametrize("name", ["toy4", "xl4"])
def test_in_passes_of_one_size_pixels_are_the_same_to_the_bit_whoever_shares_them(request, name):
    model = request.getfixturevalue(name)
    wanted = Painting(recipe=recipe(steps=4, sampler="euler_ancestral"), seed=2, **SIZE)

    def among(*others: Painting) -> Pixels:
        engine = Engine(model, max_batch=8)
        ticket = engine.admit(wanted)
        for other in others:
            engine.admit(other)
        strokes = [stroke for _ in range(4) for stroke in engine.step()]
        (found,) = [each.picture for each in strokes if each.ticket == ticket and each.picture is not None]
        return found

    plain = Painting(recipe=recipe(steps=8, prompt="night", guidance_scale=9.0), seed=5, **SIZE)
    first = among(plain, dataclasses.replace(plain, seed=6))
    other = among(repainting(recipe(steps=5, sampler="heun", prompt="a box")), dataclasses.replace(plain, seed=9))
    np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("plans", ["toy4"], indirect=True)
def test_one_whose_picture_comes_to_nothing_fails_alone(studio, plans, settings):
    broken = dataclasses.replace(plans[0], recipe=dataclasses.replace(plans[0].recipe, guidance_scale=1e38))
    missing = dataclasses.replace(plans[1], image=settings.output_path / "gone.png")
    alone = np.asarray(studio.run(plans[0], lambda _: None)[0]).astype(int).ravel()
    with table(studio, plans[0]) as shared:
        good, bad, worse = shared.join(plans[0]), shared.join(broken), shared.join(missing)
        shared.finish()
    assert np.abs(good.pixels[0] - alone).max() <= 1
    assert good.problem is None
    assert "not numbers" in str(bad.problem)
    assert isinstance(worse.problem, FileNotFoundError)
    assert bad.steps == plans[0].recipe.steps - 1, "it shared all passes; its decoding failed"


@pytest.mark.parametrize("plans", ["toy4"], indirect=True)
def test_a_pass_that_fails_for_one_of_them_is_made_without_it(studio, plans):
    with table(studio, plans[0]) as shared:
        good, bad = shared.join(plans[0]), shared.join(dataclasses.replace(plans[0], shots=plans[1].shots))
        shared.until(lambda: bad.steps == 2)
        engine: Any = shared.batch._easel.engine
        engine._running[1].words = dataclasses.replace(engine._running[1].words, embedding=torch.zeros(2, 77, 3))
        shared.finish()
    assert (good.problem, len(good.pixels)) == (None, 1)
    assert isinstance(bad.problem, RuntimeError)


@pytest.mark.parametrize("plans", ["toy4"], indirect=True)
def test_stop_and_skip_are_about_the_one_that_is_named(studio, plans, settings):
    several = resolve(TextToImage(checkpoint="toy4", steps=5, seed=8, image_number=2, **SIZE), settings)
    with table(studio, plans[0]) as shared:
        stopped, skipping, other = shared.join(plans[0]), shared.join(several), shared.join(plans[1])
        shared.until(lambda: stopped.steps == 2)
        stopped.say, skipping.say = ["stop"], ["skip"]
        before = stopped.steps
        shared.finish()
    assert (stopped.steps, stopped.pixels) == (before, [])
    assert stopped.events[-1] == Finished(stopped=True)
    assert [event.index for event in skipping.events if isinstance(event, Picture)] == [1]
    assert skipping.events[-1] == Finished()
    assert len(other.pixels) == 1


@pytest.mark.parametrize("plans", ["toy4"], indirect=True)
def test_where_memory_runs_out_fewer_share_and_nothing_is_told_or_lost(studio, plans):
    with table(studio, plans[0]) as shared, rows_of_passes(studio, plans[0], lambda rows: rows > 2) as seen:
        guests = [shared.join(plan) for plan in plans]
        shared.finish()
    assert all(len(guest.pixels) == 1 and guest.events[-1] == Finished() for guest in guests)
    assert sum(rows > 2 for rows in seen) <= 2
    with table(studio, plans[0]) as shared, rows_of_passes(studio, plans[0]) as seen:
        for plan in plans:
            shared.join(plan)
        shared.finish()
    assert max(seen) == 5, "once they have ended, as many as ever may share"


@pytest.mark.parametrize("plans", ["toy4"], indirect=True)
def test_a_newcomer_gets_its_turn_before_a_large_task_has_ended(studio, plans, settings):
    large = resolve(TextToImage(checkpoint="toy4", steps=6, seed=8, image_number=12, **SIZE), settings)
    with table(studio, large) as shared:
        first = shared.join(large)
        shared.until(lambda: first.steps == 8)
        newcomer = shared.join(plans[1])
        shared.until(lambda: newcomer.steps == 1)
        assert first.steps <= 8 + 2 * 4, "it enters at the next step, or, where that is full, at the one after"
        shared.until(lambda: newcomer.pixels)
        assert len(first.pixels) < 12
        shared.finish()
    assert len(first.pixels) == 12
