"""Playground v2.5: SDXL's architecture, noise of any strength; as diffusers paints with it, and for every task."""

import shutil
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from configs.settings import Settings
from masking.errors import InvalidValue
from pipelines.checkpoints import find
from pipelines.engine import Engine
from pipelines.families import Model, families
from pipelines.planning import resolve
from pipelines.plans import Painting, Pixels, Recipe
from pipelines.presets import load
from pipelines.tasks.text_to_image import TextToImage
from tests import toys
from tests.pipelines.recipes import paint, picture, recipe, repainting
from tests.single_files import pack

EDM = "edm_playground_v2.5"
MULTISTEP, EULER = diffusers.EDMDPMSolverMultistepScheduler, diffusers.EDMEulerScheduler


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("home")
    toys.playground(folder / "models" / "checkpoints" / "play")
    return Settings(models_path=folder / "models", output_path=folder / "out", preset="starter", device="cpu")


@pytest.fixture(scope="module")
def play(home: Settings) -> Model:
    found = find("play", home)
    assert (found.family, found.kind) == ("playground", "Playground v2.5")
    return families()[found.family].load(found, "cpu", home)


def told(**more: Any) -> Recipe:
    return recipe(**{"sampler": "dpmpp_2m", "scheduler": EDM, "clip_skip": 2} | more)


def theirs(home: Settings, kind: Any, asked: Recipe, scheduler: Any, **more: Any) -> Pixels:
    """What diffusers' own pipeline makes of it with one of its EDM schedulers, set by the checkpoint's config."""
    pipe = kind.from_pretrained(home.models_path / "checkpoints" / "play", add_watermarker=False)
    assert isinstance(pipe.scheduler, MULTISTEP)
    object.__setattr__(pipe.text_encoder, "text_model", pipe.text_encoder)  # see tests.pipelines.stock
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = scheduler(pipe.scheduler.config)
    generator = torch.Generator("cpu").manual_seed(5)
    made = pipe(
        asked.prompt,
        negative_prompt=asked.negative_prompt,
        guidance_scale=asked.guidance_scale,
        generator=generator,
        **more,
    )
    return np.asarray(made.images[0])


@pytest.mark.parametrize(
    ("sampler", "scheduler", "stock"),
    [
        ("dpmpp_2m", EDM, MULTISTEP.from_config),
        ("dpmpp_2m", "karras", MULTISTEP.from_config),
        ("dpmpp_2m", "exponential", lambda told: MULTISTEP.from_config(told, sigma_schedule="exponential")),
        ("dpmpp_2m_sde", EDM, lambda told: MULTISTEP.from_config(told, algorithm_type="sde-dpmsolver++")),
        ("euler", EDM, EULER.from_config),
    ],
)
def test_text_to_image_is_bit_equal_to_the_stock_pipeline(
    home: Settings, play: Model, sampler: str, scheduler: str, stock: Any
) -> None:
    asked = told(sampler=sampler, scheduler=scheduler)
    ours = paint(play, Painting(recipe=asked, seed=5, width=80, height=64))
    assert ours.std() > 1
    size = {"width": 80, "height": 64, "num_inference_steps": asked.steps}
    np.testing.assert_array_equal(ours, theirs(home, diffusers.StableDiffusionXLPipeline, asked, stock, **size))


def test_a_variation_is_bit_equal_to_the_stock_pipeline(home: Settings, play: Model) -> None:
    asked = told()
    whole = repainting(asked, skipped=3)
    everywhere = np.ones_like(whole.mask)
    object.__setattr__(whole, "mask", everywhere)
    object.__setattr__(whole, "cells", np.ones_like(whole.cells))
    more = {"image": Image.fromarray(picture()), "strength": 0.5, "num_inference_steps": 6}
    stock = theirs(home, diffusers.StableDiffusionXLImg2ImgPipeline, asked, MULTISTEP.from_config, **more)
    np.testing.assert_array_equal(paint(play, whole), stock)


def test_an_inpaint_keeps_what_is_known(play: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = repainting(told(steps=6))
    sampling, generator = play.sampling(asked), torch.Generator("cpu").manual_seed(asked.seed)
    start = play.start(asked, sampling.diffusers, sampling.timesteps[0], generator)
    assert start.known is not None
    ended: list[torch.Tensor] = []
    decode = play.decode

    def kept_and_decoded(latents: torch.Tensor) -> Pixels:
        ended.append(latents)
        return decode(latents)

    monkeypatch.setattr(play, "decode", kept_and_decoded)
    paint(play, asked)
    kept = torch.from_numpy(asked.cells == 0)
    assert torch.equal(ended[0][..., kept], start.known[..., kept])
    assert (ended[0][..., ~kept] - start.known[..., ~kept]).abs().mean() > 0.1


def test_what_it_is_taken_for_on_the_way_is_what_it_becomes(play: Model) -> None:
    engine = Engine(play)
    engine.admit(Painting(recipe=told(steps=6), seed=5, width=64, height=64), watched=lambda: True)
    strokes = [stroke for _ in range(6) for stroke in engine.step()]
    seen, made = strokes[-1].denoised, strokes[-1].picture
    assert seen is not None
    assert made is not None
    np.testing.assert_allclose(play.decode(seen[None]).astype(int), made.astype(int), atol=1)


@pytest.mark.parametrize("more", [{"sharpness": 30.0}, {"adaptive_cfg": 1.5}, {"adm": (1.5, 0.8, 0.5)}])
def test_what_works_on_guidance_works_here_too(play: Model, more: dict[str, Any]) -> None:
    usual = paint(play, Painting(recipe=told(), seed=5, width=64, height=64))
    other = paint(play, Painting(recipe=told(**more), seed=5, width=64, height=64))
    assert other.std() > 1
    assert (usual != other).any()


def test_how_far_it_is_goes_from_nothing_to_all(play: Model) -> None:
    sampling = play.sampling(Painting(recipe=told(steps=4), seed=5, width=64, height=64))
    assert sampling.noise is not None
    far = [sampling.noise.progress(timestep) for timestep in sampling.timesteps]
    assert far == sorted(far)
    assert (far[0], far[-1]) == pytest.approx((0, 1), abs=1e-6)
    signal, level = sampling.noise.levels(sampling.timesteps[0])
    assert (signal**2 + level**2, level / signal) == pytest.approx((1, 60 / 0.5), rel=1e-4)


def test_a_single_file_is_told_by_its_statistics_and_paints_the_same(home: Settings, play: Model) -> None:
    folder = home.models_path / "checkpoints" / "play"
    file = home.models_path / "checkpoints" / "one.safetensors"
    pack(folder, file, more={"edm_mean": torch.zeros(4), "edm_std": torch.ones(4)})
    found = find("one.safetensors", home)
    assert (found.family, found.kind) == ("playground", "Playground v2.5")
    model = families()[found.family].load(found, "cpu", home)
    config = found.parts.config("scheduler")
    assert (config["sigma_max"], config["sigma_data"]) == (80.0, 0.5)  # as published, whatever lies beside it
    asked = Painting(recipe=told(), seed=5, width=64, height=64)
    model.scheduler_config = play.scheduler_config  # type: ignore[attr-defined]
    np.testing.assert_array_equal(paint(model, asked), paint(play, asked))


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ({"sampler": "dpmpp_2m", "scheduler": EDM}, ("dpmpp_2m", EDM)),
        ({"sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras"}, ("dpmpp_2m_sde_gpu", "karras")),
        ({"sampler": "heun", "scheduler": "karras"}, ("dpmpp_2m", "karras")),
        ({"sampler": "euler_ancestral", "scheduler": "simple"}, ("dpmpp_2m_sde", EDM)),
    ],
)
def test_samplers_that_do_not_know_such_noise_give_way_to_the_nearest(
    home: Settings, asked: dict[str, str], used: tuple[str, str]
) -> None:
    plan = resolve(TextToImage(checkpoint="play", width=64, height=64, steps=2, **asked), home)  # type: ignore[arg-type]
    assert (plan.recipe.sampler, plan.recipe.scheduler) == used
    for part, name in asked.items():
        gave_way = name not in used
        assert any(f"The {part} {name} cannot be used with Playground" in one for one in plan.warnings) == gave_way
    with pytest.raises(InvalidValue, match="euler"):
        resolve(TextToImage(checkpoint="play", sampler="eulr"), home)


def test_its_preset_asks_for_nothing_that_it_cannot_do(home: Settings, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(home.models_path / "checkpoints" / "play", models / "checkpoints" / "play")
    named = load("playground_v2.5").checkpoint
    pack(
        models / "checkpoints" / "play",
        models / "checkpoints" / named,
        more={"edm_mean": torch.zeros(4), "edm_std": torch.ones(4)},
    )
    asked = Settings(models_path=models, output_path=tmp_path / "out", preset="starter", device="cpu")
    plan = resolve(TextToImage(preset="playground_v2.5", width=64, height=64), asked)
    assert (plan.recipe.sampler, plan.recipe.scheduler, plan.recipe.guidance_scale) == ("dpmpp_2m", EDM, 2.0)
    assert plan.warnings == ()


def test_a_vae_that_does_not_tell_how_its_latents_spread_is_refused(home: Settings) -> None:
    toys.vae(home.models_path / "vae" / "plain")
    toys.vae(home.models_path / "vae" / "plain.safetensors")
    with pytest.raises(InvalidValue, match="made for other checkpoints"):
        resolve(TextToImage(checkpoint="play", vae="plain"), home)
    assert resolve(TextToImage(checkpoint="play", vae="plain.safetensors"), home).recipe.vae == "plain.safetensors"
