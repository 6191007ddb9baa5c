"""SDXL alone is bit-equal to diffusers' stock pipelines on a CPU, and its sizes are told as Fooocus tells them."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.plans import Painting, Pixels, Recipe
from tests.pipelines.recipes import paint, picture, recipe, repainting, round_hole
from tests.pipelines.stock import stock

KIND = diffusers.StableDiffusionXLPipeline


def theirs(models_path: Path, told: Recipe, *, name: str = "xl4", kind: Any = KIND, **more: Any) -> Pixels:
    # SDXL counts the layers that it skips from the last but one.
    return stock(models_path / "checkpoints" / name, kind, told, clip_skip_from=2, **more)


@pytest.mark.parametrize(
    ("sampler", "scheduler"),
    [("euler", "normal"), ("dpmpp_2m_sde_gpu", "karras"), ("euler_ancestral", "normal"), ("heun", "karras")],
)
def test_text_to_image_is_bit_equal_to_the_stock_pipeline(xl4, models_path, sampler, scheduler):
    told = recipe(sampler=sampler, scheduler=scheduler, clip_skip=2)
    ours = paint(xl4, Painting(recipe=told, seed=7, width=80, height=64))
    assert ours.std() > 1
    np.testing.assert_array_equal(ours, theirs(models_path, told, seed=7, width=80, height=64))


@pytest.mark.parametrize(
    "more", [{"guidance_scale": 1.0}, {"clip_skip": 3}, {"prompt": ""}, {"freeu": (1.3, 1.4, 0.9, 0.2)}]
)
def test_the_recipe_means_what_it_means_in_the_stock_pipeline(xl4, models_path, more):
    told = recipe(**{"clip_skip": 2} | more)
    ours = paint(xl4, Painting(recipe=told, seed=2, width=64, height=64))
    np.testing.assert_array_equal(ours, theirs(models_path, told, seed=2, width=64, height=64))


@pytest.mark.parametrize(("name", "skipped"), [("xl4", 0), ("xl4", 3), ("xl9", 0), ("xl9", 3)])
def test_inpaint_is_bit_equal_to_the_stock_pipeline(request, models_path, name, skipped):
    told = recipe(sampler="euler", scheduler="normal", clip_skip=2)
    ours = paint(request.getfixturevalue(name), repainting(told, skipped=skipped))
    image, mask = Image.fromarray(picture()), Image.fromarray(round_hole().astype(np.uint8) * 255)
    more = {"image": image, "mask_image": mask, "strength": 0.5 if skipped else 1.0}
    kind = diffusers.StableDiffusionXLInpaintPipeline
    stocks = theirs(models_path, told, name=name, kind=kind, seed=5, skipped=skipped, width=64, height=64, **more)
    np.testing.assert_array_equal(ours, stocks)


def test_the_scaled_sizes_are_told_up_to_their_end(xl4, models_path):
    """To the stock pipeline as `original_size`, which it cannot change on the way: so only at 0 and 1."""
    told = recipe(sampler="euler", scheduler="normal", clip_skip=2)
    scaled: dict[str, Any] = {
        "original_size": (96, 96),
        "negative_original_size": (51, 51),
        "negative_target_size": (64, 64),
    }
    plain = Painting(recipe=told, seed=3, width=64, height=64)
    always = paint(xl4, Painting(recipe=recipe(**vars(told) | {"adm": (1.5, 0.8, 1.0)}), seed=3, width=64, height=64))
    early = paint(xl4, Painting(recipe=recipe(**vars(told) | {"adm": (1.5, 0.8, 0.3)}), seed=3, width=64, height=64))
    stocks = theirs(models_path, told, seed=3, width=64, height=64, **scaled)
    np.testing.assert_array_equal(always, stocks)
    np.testing.assert_array_equal(paint(xl4, plain), theirs(models_path, told, seed=3, width=64, height=64))
    assert (early != always).any()
    assert (early != paint(xl4, plain)).any()


def test_of_a_long_prompt_all_parts_but_the_expansion_count_for_the_whole(xl4):
    lines = ["a" * 60, "b" * 60, "c" * 60]
    parts = [xl4.reader.read(recipe(prompt=line, guidance_scale=1.0, clip_skip=2)).pooled for line in lines]
    told = recipe(prompt="\n".join(lines), guidance_scale=1.0, clip_skip=2)
    words = xl4.reader.read(told)
    assert words.embedding.shape == (1, 3 * 77, 40)
    torch.testing.assert_close(words.pooled, parts[0] + parts[1] + parts[2])
    expanded = xl4.reader.read(recipe(**vars(told) | {"expansion": lines[2]}))
    torch.testing.assert_close(expanded.pooled, parts[0] + parts[1])
    torch.testing.assert_close(expanded.embedding, words.embedding)


def test_requests_of_different_sizes_told_share_a_pass(xl4):
    from pipelines.engine import Engine

    engine = Engine(xl4, max_batch=2)
    engine.admit(Painting(recipe=recipe(steps=2, adm=(1.5, 0.8, 0.3)), seed=1, width=64, height=64))
    engine.admit(Painting(recipe=recipe(steps=2), seed=1, width=64, height=64))
    assert len(engine.step()) == 2
    pictures = [stroke.picture for stroke in engine.step() if stroke.picture is not None]
    alone = paint(xl4, Painting(recipe=recipe(steps=2), seed=1, width=64, height=64))
    np.testing.assert_allclose(pictures[1].astype(int), alone, atol=1)
    assert not np.array_equal(pictures[0], pictures[1])
