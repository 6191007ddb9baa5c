"""What a preview shows: the picture that the model takes the noise for."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from configs.settings import ROOT, Settings
from pipelines import previews
from pipelines.checkpoints import find
from pipelines.engine import Engine
from pipelines.families import families
from pipelines.plans import Painting
from tests.pipelines.recipes import recipe
from training.scenes import draw, paint

PAINTING = Painting(recipe=recipe(steps=4), seed=1, width=64, height=64)


@pytest.mark.parametrize(
    ("sampler", "scheduler"),
    [("ddim", "normal"), ("euler", "karras"), ("dpmpp_2m", "karras"), ("euler_ancestral", "normal")],
)
@pytest.mark.parametrize("predicts", ["epsilon", "v_prediction"])
def test_the_denoised_latents_become_the_picture(toy4, monkeypatch, sampler, scheduler, predicts):
    monkeypatch.setattr(toy4, "scheduler_config", {**toy4.scheduler_config, "prediction_type": predicts})
    engine = Engine(toy4)
    told = dataclasses.replace(PAINTING, recipe=recipe(steps=4, sampler=sampler, scheduler=scheduler))
    engine.admit(told, watched=lambda: True)
    strokes = [stroke for _ in range(4) for stroke in engine.step()]
    assert strokes[-1].picture is not None
    with torch.inference_mode():
        shown = [toy4.decode(part[None]).astype(int) for stroke in strokes if (part := stroke.denoised) is not None]
    assert len(shown) == len(strokes)
    apart = [np.abs(pixels - strokes[-1].picture).mean() for pixels in shown]
    assert apart[-1] <= 1.5
    assert apart[-1] < apart[0]


def test_who_does_not_watch_pays_nothing(toy4):
    engine = Engine(toy4)
    engine.admit(PAINTING)
    assert engine.step()[0].denoised is None


def test_the_map_fits_the_starters_own_vae():
    settings = Settings(models_path=ROOT / "models")
    checkpoint = find("gesso-starter", settings)
    model = families()[checkpoint.family].load(checkpoint, "cpu", settings)
    glance = previews.fit(model, checkpoint.cell)
    assert glance is not None
    for seed in range(3):
        scene = np.ascontiguousarray(paint(draw(np.random.default_rng(seed), count=1)).picture)
        seen = glance.picture(model.encode(scene)[0]).astype(int)
        rows, columns = (side // 4 for side in scene.shape[:2])
        small = np.asarray(Image.fromarray(scene).resize((columns, rows), Image.Resampling.BOX)).astype(int)
        assert seen.shape == (rows, columns, 3)
        assert np.abs(seen - small).mean() < 30
        assert np.corrcoef(seen.ravel(), small.ravel())[0, 1] > 0.75


def test_a_vae_without_numbers_has_no_map(toy4, monkeypatch):
    monkeypatch.setattr(toy4, "encode", lambda pixels: torch.full((1, 4, 12, 12), float("nan")))
    assert previews.fit(toy4, 8) is None
