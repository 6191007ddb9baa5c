"""One request alone is bit-equal to diffusers' stock pipelines on a CPU."""

import dataclasses
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.baselines.starter import AlsoNine
from pipelines.plans import Painting, Pixels, Recipe
from tests.pipelines.recipes import paint, picture, recipe, repainting, round_hole
from tests.pipelines.stock import MANY_SAMPLERS, stock


@pytest.mark.parametrize(("sampler", "scheduler"), MANY_SAMPLERS)
def test_text_to_image_is_bit_equal_to_the_stock_pipeline(toy4, models_path, sampler, scheduler):
    told = recipe(sampler=sampler, scheduler=scheduler)
    ours = paint(toy4, Painting(recipe=told, seed=7, width=80, height=64))
    theirs = stock(
        models_path / "checkpoints/toy4", diffusers.StableDiffusionPipeline, told, seed=7, width=80, height=64
    )
    assert ours.std() > 1
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("more", [{"guidance_scale": 1.0}, {"clip_skip": 2}, {"clip_skip": 3}, {"prompt": ""}])
def test_guidance_and_clip_skip_mean_what_they_mean_in_the_stock_pipeline(toy4, models_path, more):
    told = recipe(**more)
    ours = paint(toy4, Painting(recipe=told, seed=2**62, width=64, height=64))
    folder = models_path / "checkpoints/toy4"
    np.testing.assert_array_equal(ours, stock(folder, diffusers.StableDiffusionPipeline, told, seed=2**62))


def test_latents_may_have_eight_channels(toy8, models_path):
    told = recipe()
    ours = paint(toy8, Painting(recipe=told, seed=7, width=80, height=64))
    folder = models_path / "checkpoints/toy8"
    theirs = stock(folder, diffusers.StableDiffusionPipeline, told, seed=7, width=80, height=64)
    assert ours.std() > 1
    np.testing.assert_array_equal(ours, theirs)


class WiderInpaintPipeline(diffusers.StableDiffusionInpaintPipeline):
    """The stock pipeline for latents of eight channels, which needs no other change."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.unet.register_to_config(in_channels=AlsoNine(17))
        return super().__call__(*given, **named)


def test_an_inpainting_unet_has_the_latents_twice_and_the_mask(toy17, models_path):
    told = recipe()
    image, mask = Image.fromarray(picture()), Image.fromarray(round_hole().astype(np.uint8) * 255)
    more: dict[str, Any] = {"seed": 5, "image": image, "mask_image": mask, "strength": 1.0}
    theirs = stock(models_path / "checkpoints/toy17", WiderInpaintPipeline, told, **more)
    np.testing.assert_array_equal(paint(toy17, repainting(told)), theirs)


def stock_inpaint(folder: Path, told: Recipe, **more: Any) -> Pixels:
    image, mask = Image.fromarray(picture()), Image.fromarray(round_hole().astype(np.uint8) * 255)
    return stock(folder, diffusers.StableDiffusionInpaintPipeline, told, seed=5, image=image, mask_image=mask, **more)


@pytest.mark.contract("7/inpaint-latent-mask")
@pytest.mark.parametrize("name", ["toy4", "toy9"])
@pytest.mark.parametrize(("sampler", "scheduler"), MANY_SAMPLERS)
def test_inpaint_is_bit_equal_to_the_stock_pipeline(request, models_path, name, sampler, scheduler):
    told = recipe(sampler=sampler, scheduler=scheduler)
    ours = paint(request.getfixturevalue(name), repainting(told))
    np.testing.assert_array_equal(ours, stock_inpaint(models_path / "checkpoints" / name, told, strength=1.0))


@pytest.mark.parametrize("name", ["toy4", "toy9"])
@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "heun", "euler_ancestral"])
def test_inpaint_below_full_strength_is_bit_equal_to_the_stock_pipeline(request, models_path, name, sampler):
    told = recipe(sampler=sampler, scheduler="normal")
    ours = paint(request.getfixturevalue(name), repainting(told, skipped=3))
    theirs = stock_inpaint(models_path / "checkpoints" / name, told, skipped=3, strength=0.5)
    np.testing.assert_array_equal(ours, theirs)


def test_text_to_image_on_nine_channels_is_inpainting_a_blank_picture(toy9, models_path):
    told = recipe()
    ours = paint(toy9, Painting(recipe=told, seed=5, width=64, height=64))
    blank = {"image": torch.full((1, 3, 64, 64), 0.5), "mask_image": torch.ones(1, 1, 64, 64)}
    folder = models_path / "checkpoints/toy9"
    np.testing.assert_array_equal(
        ours, stock(folder, diffusers.StableDiffusionInpaintPipeline, told, seed=5, strength=1.0, **blank)
    )


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "heun"])
def test_a_variation_is_the_stock_image_to_image_pipelines_within_one_level(toy4, models_path, sampler):
    told = recipe(sampler=sampler, scheduler="normal")
    asked = repainting(told, skipped=3)
    whole = dataclasses.replace(asked, mask=np.ones_like(asked.mask), cells=np.ones_like(asked.cells))
    ours = paint(toy4, whole)
    theirs = stock(
        models_path / "checkpoints/toy4",
        diffusers.StableDiffusionImg2ImgPipeline,
        told,
        seed=5,
        skipped=3,
        image=Image.fromarray(picture()),
        strength=0.5,
    )
    np.testing.assert_allclose(ours.astype(int), theirs, atol=1)
