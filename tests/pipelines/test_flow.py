"""Models of flow matching, alone, are bit-equal to diffusers' stock pipelines on a CPU, and keep what is known."""

import dataclasses
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from configs.settings import Settings
from pipelines import checkpoints
from pipelines.engine import Engine
from pipelines.events import Event, Finished, Preview, Step
from pipelines.families import Model, families
from pipelines.planning import resolve
from pipelines.plans import Painting, Pixels, Repainting
from pipelines.sparing import leaner
from pipelines.studio import Studio
from pipelines.tasks import Task
from pipelines.tasks.inpaint import Inpaint
from pipelines.tasks.text_to_image import TextToImage
from pipelines.tasks.upscale import Upscale
from pipelines.tasks.vary import Vary
from tests import toy_flow
from tests.pipelines.recipes import paint, picture, recipe, repainting, round_hole
from tests.server.receiving import until

FAMILIES: dict[str, dict[str, Any]] = {
    "sd3": {},
    "flux": {},
    "flux-schnell": {"guided": False},
    "flux-fill": {"fill": True},
    "z_image": {},
    "qwen_image": {},
    "qwen_image-edit": {"edits": "Edit"},
    "qwen_image-plus": {"edits": "EditPlus"},
    "flux2": {},
    "flux2-klein": {"distilled": True},
    "flux2_dev": {},
}
"""The toys by their names: a family, and what differs."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one toy per family, by the family's name."""
    models = tmp_path_factory.mktemp("models")
    for name, more in FAMILIES.items():
        getattr(toy_flow, name.split("-")[0])(models / "checkpoints" / name, **more)
    return models


@pytest.fixture(scope="module", params=FAMILIES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(folder: Path, name: str) -> Model:
    return load(folder, name)


def load(folder: Path, name: str) -> Model:
    settings = Settings(models_path=folder, device="cpu")
    found = checkpoints.find(name, settings)
    assert found.family == name.split("-")[0].removesuffix("_dev")
    return families()[found.family].load(found, "cpu", settings)


def asked(**more: Any) -> Any:
    return recipe(**{"sampler": "euler", "scheduler": "simple"} | more)


def theirs(folder: Path, kind: str, told: Any, *, seed: int, **more: Any) -> Pixels:
    """What diffusers' own pipeline makes of it."""
    pipe = getattr(diffusers, kind).from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    if kind not in WITHOUT_NEGATIVE:
        more["negative_prompt"] = told.negative_prompt
    more["true_cfg_scale" if "Qwen" in kind else "guidance_scale"] = told.guidance_scale
    if kind == "StableDiffusion3InpaintPipeline":  # it forgets the VAE's shift when it decodes
        decode = pipe.vae.decode
        pipe.vae.decode = lambda latents, **how: decode(latents + pipe.vae.config.shift_factor, **how)
    generator = torch.Generator("cpu").manual_seed(seed)
    made = pipe(prompt=told.prompt, generator=generator, output_type="np", **more).images[0]
    return np.asarray((made * 255).round().astype(np.uint8))


STOCK = {
    "sd3": ("StableDiffusion3Pipeline", "StableDiffusion3InpaintPipeline"),
    "flux": ("FluxPipeline", "FluxInpaintPipeline"),
    "flux-schnell": ("FluxPipeline", "FluxInpaintPipeline"),
    "flux-fill": ("", "FluxFillPipeline"),
    "z_image": ("ZImagePipeline", "ZImageInpaintPipeline"),
    "qwen_image": ("QwenImagePipeline", "QwenImageInpaintPipeline"),
    "qwen_image-edit": ("", "QwenImageEditInpaintPipeline"),
    "qwen_image-plus": ("", ""),
    "flux2": ("Flux2KleinPipeline", ""),
    "flux2-klein": ("Flux2KleinPipeline", ""),
    "flux2_dev": ("Flux2Pipeline", ""),
}
"""Of each toy, what diffusers has for text to image and for inpainting; what it has for FLUX.2 also sees the picture
whole, which is another task.
"""

WITHOUT_NEGATIVE = ("FluxPipeline", "FluxInpaintPipeline", "FluxFillPipeline", "Flux2KleinPipeline", "Flux2Pipeline")


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_text_to_image_is_bit_equal_to_the_stock_pipeline(folder, model, name, scale):
    if not STOCK[name][0]:
        pytest.skip("diffusers has no such pipeline")
    told = asked(guidance_scale=scale, negative_prompt="" if name == "flux2" else "blue")
    ours = paint(model, Painting(recipe=told, seed=7, width=80, height=64))
    assert ours.std() > 1
    more = {"width": 80, "height": 64, "num_inference_steps": 3}
    np.testing.assert_array_equal(ours, theirs(folder / "checkpoints" / name, STOCK[name][0], told, seed=7, **more))


@pytest.mark.parametrize("skipped", [0, 3])
def test_inpaint_is_bit_equal_to_the_stock_pipeline(folder, model, name, skipped, monkeypatch):
    # It paints at a million pixels, whatever the picture has.
    theirs_alone = "diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_inpaint.calculate_dimensions"
    monkeypatch.setattr(theirs_alone, lambda _area, _ratio: (64, 64, None))
    if not STOCK[name][1]:
        pytest.skip("diffusers has no such pipeline")
    told = asked(guidance_scale=4.0)
    ours = paint(model, repainting(told, skipped=skipped))
    image, mask = Image.fromarray(picture()), Image.fromarray(round_hole().astype(np.uint8) * 255)
    more = {"image": image, "mask_image": mask, "strength": 0.5 if skipped else 1.0, "width": 64, "height": 64}
    more["num_inference_steps"] = 3 + skipped
    np.testing.assert_array_equal(ours, theirs(folder / "checkpoints" / name, STOCK[name][1], told, seed=5, **more))


def test_with_little_memory_it_paints_the_same_but_for_rounding(model):
    told = Painting(recipe=asked(guidance_scale=4.0), seed=7, width=64, height=64)
    whole = paint(model, told)
    with leaner(model):
        spared = paint(model, told)
    assert np.abs(spared.astype(int) - whole).max() <= 2


def test_grey_stays_nearer_to_the_picture(model):
    known = model.encode(picture())
    given = repainting(asked(steps=4))
    cell = 64 // known.shape[2]
    inside = np.ascontiguousarray(given.cells[:: cell // 8, :: cell // 8])
    far = []
    for share in (1.0, 0.3):
        engine = Engine(model)
        engine.admit(dataclasses.replace(given, cells=inside * np.float32(share)), watched=lambda: True)
        last = [engine.step() for _ in range(4)][-1][0]
        assert last.denoised is not None
        far.append(float((last.denoised - known[0]).abs().numpy()[:, inside > 0].mean()))
    assert far[1] < 0.9 * far[0]


@pytest.mark.parametrize(("sampler", "scheduler"), [("lcm", "simple"), ("euler", "karras"), ("euler", "exponential")])
def test_every_sampler_and_scheduler_paints_a_picture_of_its_own(model, sampler, scheduler):
    made = [
        paint(model, Painting(recipe=told, seed=7, width=64, height=64))
        for told in (asked(sampler=sampler, scheduler=scheduler), asked())
    ]
    assert made[0].std() > 1
    assert (made[0] != made[1]).any()


class Everything:
    """A studio on the toys, and what it is asked for."""

    def __init__(self, folder: Path, place: Path) -> None:
        self.settings = Settings(models_path=folder, output_path=place, device="cpu")
        self.studio = Studio(self.settings)
        self.image, self.mask = place / "image.png", place / "mask.png"
        noise = np.random.default_rng(1).integers(0, 256, (56, 72, 3), dtype=np.uint8)
        Image.fromarray(noise).save(self.image)
        mask = Image.new("L", (72, 56))
        mask.paste(255, (20, 16, 44, 40))
        mask.paste(128, (44, 16, 52, 40))
        mask.save(self.mask)

    def made(self, task: Task) -> Image.Image:
        return self.studio.run(resolve(task, self.settings), lambda _event: None)[0]


@pytest.fixture(scope="module")
def everything(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Everything:
    return Everything(folder, tmp_path_factory.mktemp("place"))


def test_every_task_is_done_with_the_same_fields(everything, name):
    told: dict[str, Any] = {"checkpoint": name, "prompt": "a red ball", "steps": 2, "seed": 1}
    plain = everything.made(TextToImage(width=80, height=64, **told))
    assert plain.size == (80, 64)
    source = {"image": everything.image, **told}
    known = np.asarray(Image.open(everything.image))
    hole = np.asarray(Image.open(everything.mask)) > 0
    inpainted = np.asarray(everything.made(Inpaint(mask=everything.mask, seam_repair=False, **source)))
    np.testing.assert_array_equal(inpainted[~hole], known[~hole])
    assert (inpainted[hole] != known[hole]).any()
    outpainted = np.asarray(everything.made(Inpaint(outpaint=("Right",), seam_repair=False, **source)))
    np.testing.assert_array_equal(outpainted[:, :72], known)
    assert outpainted.shape == (56, 96, 3)
    varied = everything.made(Vary(method="strong", **source))
    assert (np.asarray(varied.resize((72, 56))) != known).any()
    if name == "sd3":  # what is painted over is the same for all
        assert everything.made(Upscale(factor=1.5, **source)).size == (108, 84)


@pytest.mark.parametrize(("name", "sees"), [("qwen_image-edit", True), ("qwen_image", False)])
def test_only_a_checkpoint_for_edits_sees_what_the_mask_hides(everything, tmp_path, name, sees):
    shown = []
    mask = Image.new("L", (72, 56))
    mask.paste(255, (20, 16, 44, 40))
    mask.save(tmp_path / "mask.png")
    for colour in ("red", "blue"):
        image = Image.open(everything.image).copy()
        image.paste(colour, (20, 16, 44, 40))
        image.save(tmp_path / "image.png")
        task = Inpaint(image=tmp_path / "image.png", mask=tmp_path / "mask.png", checkpoint=name, seed=1)
        plan = resolve(task, everything.settings)
        painting = next(plan.draw(plan.shots[0]))
        assert isinstance(painting, Repainting)
        shown.append(painting.image)
    assert (shown[0] != shown[1]).any() == sees


@pytest.mark.parametrize("name", ["flux"])
def test_a_preset_for_other_checkpoints_keeps_its_loras_to_itself(everything, name):
    plan = resolve(TextToImage(checkpoint=name, preset="realistic", width=64, height=64), everything.settings)
    assert (plan.recipe.loras, plan.recipe.vae) == ((), "")
    assert any("SDXL_FILM_PHOTOGRAPHY_STYLE_V1.safetensors of preset realistic" in told for told in plan.warnings)


def test_stop_ends_within_one_step_and_previews_come(everything, name):
    plan = resolve(TextToImage(checkpoint=name, steps=6, width=64, height=64, seed=7), everything.settings)
    events: list[Event] = []
    stops = ["stop"]

    def said() -> list[str]:
        painted = [event for event in events if isinstance(event, Step)]
        if len(painted) < 2 or not stops:
            return []
        until(lambda: any(isinstance(event, Preview) for event in events))  # a thread of its own tells it
        return [stops.pop()]

    everything.studio.run(plan, events.append, said=said, previews=True)
    assert [event.step for event in events if isinstance(event, Step)] == [1, 2]
    assert any(isinstance(event, Preview) for event in events)
    assert events[-1] == Finished(stopped=True)


def test_what_is_shown_on_the_way_becomes_the_picture(model):
    engine = Engine(model)
    engine.admit(Painting(recipe=asked(), seed=7, width=64, height=64), watched=lambda: True)
    last = [engine.step() for _ in range(3)][-1][0]
    assert last.denoised is not None
    assert last.picture is not None
    shown = model.decode(last.denoised[None])
    assert np.abs(shown.astype(int) - last.picture).max() <= 1
