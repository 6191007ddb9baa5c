import numpy as np
import pytest

from training import captions, judge
from training.objects import COLOURS, OBJECTS
from training.places import PLACES
from training.scenes import Scene, Thing, draw, paint


def scene_of(*things: Thing, place: str = "meadow") -> Scene:
    return Scene(place=place, things=things, width=256, height=256, horizon=140.0, seed=1)


def test_the_same_scene_is_painted_the_same_again() -> None:
    scene = draw(np.random.default_rng(4))
    assert np.array_equal(paint(scene).picture, paint(scene).picture)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("place", PLACES)
def test_a_scene_painted_larger_and_shrunk_is_the_scene(place: str, scale: int) -> None:
    thing = Thing(kind="boat", colour="red", x=128, y=150, radius=60)
    small, large = paint(scene_of(thing, place=place)), paint(scene_of(thing, place=place), scale)
    assert large.picture.shape == (256 * scale, 256 * scale, 3)
    shrunk = large.picture.reshape(256, scale, 256, scale, 3).mean((1, 3))
    assert np.square(shrunk - small.picture).mean() < 0.5  # 51 dB
    assert large.masks[0][::scale, ::scale].sum() == pytest.approx(small.masks[0].sum(), rel=0.02)


def test_edges_get_finer_when_a_scene_is_painted_larger() -> None:
    scene = scene_of(Thing(kind="ball", colour="white", x=128, y=150, radius=60))
    steps = [int(np.abs(np.diff(paint(scene, scale).picture.astype(int), axis=1)).max()) for scale in (1, 4)]
    assert steps[1] > steps[0]


@pytest.mark.parametrize("kind", OBJECTS)
def test_a_mask_covers_what_the_thing_changed(kind: str) -> None:
    thing = Thing(kind=kind, colour="red", x=128, y=150, radius=60)
    empty, full = paint(scene_of()).picture.astype(int), paint(scene_of(thing))
    changed = np.abs(full.picture.astype(int) - empty).sum(-1) > 90
    outside = changed & ~full.masks[0]
    shadow = int(thing.y + 0.75 * thing.radius)
    assert full.masks[0].sum() > 2500
    assert outside[:shadow].sum() < 0.03 * full.masks[0].sum()


def test_what_stands_in_front_takes_from_the_mask_behind() -> None:
    behind = Thing(kind="box", colour="blue", x=120, y=140, radius=50)
    front = Thing(kind="ball", colour="red", x=150, y=160, radius=50)
    masks = paint(scene_of(behind, front)).masks
    assert not (masks[0] & masks[1]).any()


def test_every_scene_has_captions_that_name_its_things_and_place() -> None:
    rng = np.random.default_rng(8)
    for _ in range(200):
        scene = draw(rng)
        text = captions.of_scene(rng, scene).lower()
        assert any(phrase in text for phrase in captions.PLACE_PHRASES[scene.place])
        for thing in scene.things:
            assert any(word in text for word in captions.KIND_WORDS[thing.kind])
            assert any(word in text for word in captions.COLOUR_WORDS[thing.colour])


def test_captions_name_things_from_left_to_right() -> None:
    boat = Thing(kind="boat", colour="orange", x=180, y=150, radius=40)
    star = Thing(kind="star", colour="yellow", x=60, y=60, radius=40)
    rng = np.random.default_rng(2)
    for _ in range(50):
        text = captions.of_scene(rng, scene_of(boat, star))
        assert 0 <= text.find("star") < max(text.find(word) for word in captions.KIND_WORDS["boat"])


def test_a_plain_caption_names_everything_once_from_left_to_right() -> None:
    boat = Thing(kind="boat", colour="orange", x=180, y=150, radius=40)
    star = Thing(kind="star", colour="yellow", x=60, y=60, radius=40)
    scene = scene_of(boat, star, place="night")
    assert captions.plain(scene) == "a yellow star and an orange boat at night"
    assert captions.plain(captions.mirrored(scene)) == "an orange boat and a yellow star at night"
    assert captions.plain(scene_of(boat, star, star)) == ("a yellow star, a yellow star and an orange boat on a meadow")
    assert captions.plain(scene_of(place="sea")) == "the sea"


def test_the_judge_tells_rendered_scenes_apart() -> None:
    rng = np.random.default_rng(31)
    paintings = [paint(draw(rng, count=1)) for _ in range(24)]
    truths = [(p.scene.things[0].kind, p.scene.things[0].colour, p.scene.place) for p in paintings]
    verdicts = []
    for painting in paintings:
        best = judge.things(painting.picture)[0]
        verdicts.append((best.kind, best.colour, judge.place(painting.picture)))
    assert sum(v == t for v, t in zip(verdicts, truths, strict=True)) >= 22
    assert sum(v == t for v, t in zip(verdicts, [*truths[1:], truths[0]], strict=True)) <= 2


def test_the_world_has_what_the_readme_promises() -> None:
    assert {"ball", "box", "star", "tree", "house", "boat", "balloon", "mushroom"} <= set(OBJECTS)
    assert len(COLOURS) == 10
    assert set(PLACES) == {"meadow", "desert", "sea", "snow", "night", "sunset"}
