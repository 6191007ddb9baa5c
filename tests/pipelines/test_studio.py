"""What can be said of a plan while it is drawn, and what is told of it meanwhile."""

import dataclasses
import io
import itertools
from collections.abc import Iterable

import numpy as np
import pytest
from PIL import Image

from configs.settings import Settings
from pipelines import upscalers
from pipelines.events import Event, Finished, Picture, Preview, Skipped, Step
from pipelines.orders import Action
from pipelines.planning import resolve
from pipelines.plans import Plan
from pipelines.studio import Studio
from pipelines.tasks.text_to_image import TextToImage
from pipelines.tasks.upscale import Upscale
from tests.pipelines.recipes import picture
from tests.toy_upscalers import compact

STEPS = 6


@pytest.fixture(scope="module")
def studios(models_path) -> dict[int, Studio]:
    return {many: Studio(Settings(models_path=models_path, device="cpu", max_batch=many)) for many in (1, 2)}


@pytest.fixture
def plan(settings) -> Plan:
    return resolve(TextToImage(prompt="a ball", steps=STEPS, width=64, height=64, seed=7, image_number=3), settings)


class Listening:
    """Keeps the events, and says something once as many steps are told as wished."""

    def __init__(self, after: int = 0, *say: Action) -> None:
        self.events: list[Event] = []
        self._after, self._say = after, say

    def said(self) -> Iterable[Action]:
        if self.steps < self._after:
            return ()
        say, self._say = self._say, ()
        return say

    @property
    def steps(self) -> int:
        return sum(isinstance(event, Step) for event in self.events)

    def pixels(self) -> dict[int, np.ndarray]:
        found = (event for event in self.events if isinstance(event, Picture))
        return {event.index: np.frombuffer(event.image, np.uint8).astype(int) for event in found}

    def run(self, studio: Studio, plan: Plan) -> "Listening":
        studio.run(plan, self.events.append, said=self.said)
        return self


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_skipped_image_leaves_within_one_step_and_the_others_do_not_feel_it(studios, plan, at_once):
    whole = Listening().run(studios[at_once], plan)
    told = Listening(2 * at_once, "skip").run(studios[at_once], plan)
    place = told.events.index(Skipped(image=1))
    before = [event for event in told.events[:place] if isinstance(event, Step)]
    assert [event.step for event in before if event.image == 1] == [1, 2]
    assert not any(isinstance(event, Step) and event.image == 1 for event in told.events[place:])
    assert set(told.pixels()) == {1, 2}
    for index, pixels in told.pixels().items():
        assert np.abs(pixels - whole.pixels()[index]).max() <= (0 if at_once == 1 else 1)
    assert told.events[-1] == Finished()


@pytest.mark.parametrize("at_once", [1, 2])
def test_stop_ends_within_one_step_and_keeps_what_is_finished(studios, plan, at_once):
    told = Listening((STEPS + 1) * at_once, "stop").run(studios[at_once], plan)
    assert set(told.pixels()) == set(range(at_once))
    assert told.steps in ((STEPS + 1) * at_once, (STEPS + 1) * at_once + at_once - 1)
    assert told.events[-1] == Finished(stopped=True)
    assert Listening().run(studios[at_once], plan).pixels().keys() == {0, 1, 2}


def test_everything_skipped_is_finished_without_a_picture(studios, plan):
    told = Listening(0, "skip", "skip", "skip", "skip").run(studios[1], plan)
    assert [type(event) for event in told.events] == [Skipped] * 3 + [Finished]


def test_a_stop_while_images_wait_lets_none_begin(studios, plan):
    assert Listening(0, "stop").run(studios[2], plan).events == [Finished(stopped=True)]


@pytest.mark.parametrize(("action", "last"), [("stop", Finished(stopped=True)), ("skip", None)])
def test_an_upscaler_is_left_between_two_tiles(settings, models_path, tmp_path, monkeypatch, action, last):
    compact(tmp_path / "models" / "upscale_models" / "x2.pth")
    (tmp_path / "models" / "checkpoints").symlink_to(models_path / "checkpoints")
    settings = dataclasses.replace(settings, models_path=tmp_path / "models")
    monkeypatch.setattr(upscalers, "TILE", 16)
    Image.fromarray(picture(64, 64)).save(settings.output_path / "i.png")
    task = Upscale(image=settings.output_path / "i.png", factor=2.0, upscaler="x2.pth", fast=True)
    plan, asked, told = resolve(task, settings), itertools.count(), Listening()
    Studio(settings).run(plan, told.events.append, said=lambda: [action] if next(asked) == 5 else [])
    assert next(asked) <= 7
    assert told.pixels() == {}
    assert told.events[-1] == (last or Finished())


def test_previews_are_small_pictures_told_before_the_end(studios, plan, settings):
    slow = resolve(TextToImage(prompt="a ball", steps=100, width=96, height=64, seed=7, image_number=2), settings)
    events: list[Event] = []
    studios[1].run(slow, events.append, previews=True)
    shown = [event for event in events if isinstance(event, Preview)]
    assert {event.image for event in shown} == {1, 2}
    assert all(Image.open(io.BytesIO(event.png)).size == (24, 16) for event in shown)
    assert isinstance(events[-1], Finished)
    assert not any(isinstance(event, Preview) for event in Listening().run(studios[1], plan).events)


def test_previews_are_made_from_when_they_are_asked_for(studios, settings):
    slow = resolve(TextToImage(prompt="a ball", steps=100, width=64, height=64, seed=7), settings)
    told = Listening(50, "show").run(studios[1], slow)
    kinds = [type(event) for event in told.events if isinstance(event, Step | Preview)]
    assert Preview in kinds
    assert kinds.index(Preview) >= 50
    assert len(told.pixels()) == 1


def test_previews_change_no_pixel(studios, plan):
    plain, watched = Listening().run(studios[1], plan), Listening()
    studios[1].run(plan, watched.events.append, previews=True)
    for index, pixels in plain.pixels().items():
        np.testing.assert_array_equal(pixels, watched.pixels()[index])
