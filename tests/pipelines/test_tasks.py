"""From a wish to pictures, through planning and the studio, on toy models."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from configs.settings import Settings
from pipelines import presets
from pipelines.events import Event, Finished, Message, Picture, Step
from pipelines.planning import resolve
from pipelines.plans import Plan, Repainting
from pipelines.studio import Studio
from pipelines.tasks import Task
from pipelines.tasks.inpaint import Inpaint
from pipelines.tasks.text_to_image import TextToImage
from tests.pipelines.recipes import picture, round_hole


@pytest.fixture(scope="module")
def studio(models_path) -> Studio:
    return Studio(Settings(models_path=models_path, device="cpu"))


def draw(studio: Studio, settings, task: Task) -> tuple[np.ndarray, Plan]:
    plan = resolve(task, settings)
    events: list[Event] = []
    images = studio.run(Plan.from_json(plan.to_json()), events.append)
    assert all(image.size == (plan.shots[0].width, plan.shots[0].height) for image in images)
    assert isinstance(events[-1], Finished)
    return np.asarray(images[0]), plan


def save(folder: Path, name: str, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(folder / name)
    return folder / name


def masks(width: int, height: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(width * 1000 + height)
    dot = np.zeros((height, width), np.uint8)
    dot[height // 2, width // 3] = 255
    line = np.zeros((height, width), np.uint8)
    line[:, width // 2] = 255
    y, x = np.mgrid[:height, :width]
    return {
        "round": round_hole(width, height).astype(np.uint8) * 255,
        "dot": dot,
        "line": line,
        "corner": np.where((x < width / 3) & (y < height / 3), 255, 0).astype(np.uint8),
        "grey": np.clip(255 - np.hypot(x - width / 2, y - height / 2) * 8, 0, 255).astype(np.uint8),
        "noise": rng.integers(0, 256, (height, width), np.uint8),
        "full": np.full((height, width), 255, np.uint8),
    }


@pytest.mark.parametrize("checkpoint", ["toy4", "toy9"])
@pytest.mark.parametrize("size", [(64, 64), (71, 53), (33, 130), (200, 117), (7, 5)])
@pytest.mark.parametrize("kind", ["round", "dot", "line", "corner", "grey", "noise", "full"])
def test_inpaint_keeps_every_pixel_that_the_mask_leaves_out(studio, settings, tmp_path, checkpoint, size, kind):
    before, mask = picture(*size), masks(*size)[kind]
    if not (mask > 31).any():
        mask[0, 0] = 255
    task = Inpaint(
        image=save(tmp_path, "image.png", before),
        mask=save(tmp_path, "mask.png", mask),
        checkpoint=checkpoint,
        prompt="a red ball",
        seed=1,
        steps=1,
        strength=0.6 if kind == "grey" else None,
        respective_field=0.0 if kind == "corner" else None,
    )
    after, _ = draw(studio, settings, task)
    np.testing.assert_array_equal(after[mask <= 31], before[mask <= 31])
    if kind in ("round", "full"):
        assert (after != before).any(axis=-1)[mask > 31].mean() > 0.5


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 300), (1500, 1111)])
def test_inpaint_answers_in_the_images_size(studio, settings, tmp_path, size):
    before = picture(*size) if min(size) > 3 else np.full((size[1], size[0], 3), 77, np.uint8)
    mask = np.zeros((size[1], size[0]), np.uint8)
    mask[: (size[1] + 1) // 2] = 255
    task = Inpaint(image=save(tmp_path, "i.png", before), mask=save(tmp_path, "m.png", mask), seed=1, steps=1)
    after, _ = draw(studio, settings, task)
    assert after.shape == before.shape
    np.testing.assert_array_equal(after[mask == 0], before[mask == 0])


@pytest.mark.parametrize(("invert", "grown"), [(True, 0), (False, 5), (True, -3), (False, -2)])
def test_known_is_what_the_mask_says_after_inverting_and_growing(studio, settings, tmp_path, invert, grown):
    before, hole = picture(80, 60), round_hole(80, 60)
    mask = save(tmp_path, "m.png", hole.astype(np.uint8) * 255)
    image = save(tmp_path, "i.png", before)
    after, _ = draw(
        studio, settings, Inpaint(image=image, mask=mask, invert_mask=invert, erode_or_dilate=grown, seed=1)
    )
    painted = hole != invert
    reach = np.pad(painted, 5, constant_values=grown < 0)
    shifted = [
        reach[5 + y : 65 + y, 5 + x : 85 + x]
        for y in range(-5, 6)
        for x in range(-5, 6)
        if max(abs(y), abs(x)) <= abs(grown)
    ]
    painted = np.any(shifted, axis=0) if grown > 0 else np.all(shifted, axis=0)
    np.testing.assert_array_equal(after[~painted], before[~painted])
    assert (after != before).any(axis=-1)[painted].mean() > 0.5


def seen(settings, folder: Path, **fields) -> Repainting:
    """What an inpaint's first run is given."""
    plan = resolve(Inpaint(image=folder / "image.png", mask=folder / "mask.png", seed=1, **fields), settings)
    painting = next(plan.draw(plan.shots[0]))
    assert isinstance(painting, Repainting)
    return painting


@pytest.mark.parametrize("size", [(64, 64), (320, 240), (33, 30)])
@pytest.mark.parametrize("grey", [0, 160])
def test_what_lies_under_the_mask_is_never_seen(settings, tmp_path, size, grey):
    """Only what is painted by degree is: a ring of grey around the middle."""
    mask = np.where(round_hole(size[0], size[1], grown=1.3), grey, 0).astype(np.uint8)
    mask[round_hole(*size)] = 255
    save(tmp_path, "mask.png", mask)
    scene = picture(*size)
    save(tmp_path, "image.png", scene)
    first = seen(settings, tmp_path)
    scene[round_hole(*size)] = 255 - scene[round_hole(*size)]
    save(tmp_path, "image.png", scene)
    second = seen(settings, tmp_path)
    np.testing.assert_array_equal(first.image, second.image)
    weak = seen(settings, tmp_path, strength=0.5)
    assert (weak.image[weak.mask] != second.image[second.mask]).any()
    blind = seen(settings, tmp_path, strength=0.5, initial_latent=False)
    np.testing.assert_array_equal(blind.image, second.image)


def test_strength_zero_gives_the_picture_back(studio, settings, tmp_path):
    before = picture(50, 40)
    image, mask = save(tmp_path, "i.png", before), save(tmp_path, "m.png", round_hole(50, 40).astype(np.uint8) * 255)
    after, plan = draw(studio, settings, Inpaint(image=image, mask=mask, strength=0))
    np.testing.assert_array_equal(after, before)
    assert "strength 0" in plan.warnings[0]


def test_a_weaker_strength_stays_nearer_to_the_picture(studio, settings, tmp_path):
    before = picture()
    image, mask = save(tmp_path, "i.png", before), save(tmp_path, "m.png", np.full((64, 64), 255, np.uint8))
    task = Inpaint(image=image, mask=mask, seed=1, steps=4, checkpoint="toy4")
    start = {
        strength: draw(studio, settings, dataclasses.replace(task, strength=strength))[0] for strength in (0.2, 1.0)
    }
    noise, _ = draw(studio, settings, dataclasses.replace(task, strength=0.2, initial_latent=False))
    assert (start[0.2] != start[1.0]).mean() > 0.5
    assert (noise != start[0.2]).mean() > 0.5


@pytest.mark.parametrize("checkpoint", ["toy4", "toy9"])
@pytest.mark.parametrize(
    ("sides", "distance", "size", "corner"),
    [
        (("Left",), (0, 0, 0, 0), (94, 50), (23, 0)),
        (("Left", "Bottom"), (0, 0, 0, 0), (94, 66), (23, 0)),
        (("Top", "Right"), (0, 0, 0, 0), (94, 66), (0, 16)),
        (("Left", "Top", "Right", "Bottom"), (5, 6, 7, 0), (83, 72), (5, 6)),
    ],
)
def test_outpaint_adds_margins_and_leaves_the_original_untouched(
    studio, settings, tmp_path, checkpoint, sides, distance, size, corner
):
    before = picture(71, 50)
    task = Inpaint(
        image=save(tmp_path, "i.png", before), outpaint=sides, outpaint_distance=distance, seed=1, checkpoint=checkpoint
    )
    after, _ = draw(studio, settings, task)
    left, top = corner
    assert after.shape[:2] == (size[1], size[0])
    np.testing.assert_array_equal(after[top : top + 50, left : left + 71], before)


def test_outpaint_together_with_a_mask_paints_both(studio, settings, tmp_path):
    before, hole = picture(60, 60), round_hole(60, 60)
    image, mask = save(tmp_path, "i.png", before), save(tmp_path, "m.png", hole.astype(np.uint8) * 255)
    after, _ = draw(studio, settings, Inpaint(image=image, mask=mask, outpaint=("Right",), seed=1))
    assert after.shape == (60, 80, 3)
    np.testing.assert_array_equal(after[:, :60][~hole], before[~hole])
    assert (after[:, :60] != before).any(axis=-1)[hole].mean() > 0.5


@pytest.mark.parametrize("size", [(64, 64), (63, 65), (300, 200), (16, 16), (1, 50)])
def test_text_to_image_has_the_exact_size(studio, settings, size):
    image, _ = draw(studio, settings, TextToImage(prompt="a ball", width=size[0], height=size[1], seed=1))
    assert image.shape == (size[1], size[0], 3)


def test_the_same_request_and_seed_give_the_same_pixels_and_others_do_not(studio, settings):
    task = TextToImage(prompt="a ball", seed=11)
    first, _ = draw(studio, settings, task)
    np.testing.assert_array_equal(first, draw(studio, settings, task)[0])
    assert (first != draw(studio, settings, dataclasses.replace(task, seed=12))[0]).mean() > 0.5
    assert (first != draw(studio, settings, dataclasses.replace(task, prompt="night"))[0]).any()


@pytest.mark.parametrize("max_batch", [1, 3])
def test_every_step_and_picture_of_a_plan_is_told(settings, max_batch):
    settings = dataclasses.replace(settings, max_batch=max_batch, database=Path("db.sqlite3"))
    plan = resolve(TextToImage(prompt="a ball", seed=5, image_number=4), settings)
    events: list[Event] = []
    images = Studio(settings).run(plan, events.append)
    steps = {(event.image, event.step) for event in events if isinstance(event, Step)}
    assert steps == {(image, step) for image in (1, 2, 3, 4) for step in (1, 2)}
    pictures = {event.index: event for event in events if isinstance(event, Picture)}
    assert [pictures[i].seed for i in range(4)] == [5, 6, 7, 8]
    for i, image in enumerate(images):
        told = Image.frombytes("RGB", (pictures[i].width, pictures[i].height), pictures[i].image)
        np.testing.assert_array_equal(told, image)


def test_a_prompt_that_is_too_long_is_told(studio, settings):
    events: list[Event] = []
    studio.run(resolve(TextToImage(prompt="ball " * 40), settings), events.append)
    assert isinstance(events[-1], Finished)
    assert "too long" in events[-1].warnings[0]


def test_loading_a_preset_tells_what_it_does(studio, toy_presets):
    events: list[Event] = []
    studio.load(presets.load("toy9"), events.append)
    assert any(isinstance(event, Message) and "toy9" in event.text for event in events)
