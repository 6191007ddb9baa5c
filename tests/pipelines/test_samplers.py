"""Every sampler of Fooocus's with every scheduler leads from noise to the picture that the model sees."""

import itertools
import json

import numpy as np
import pytest
import torch

from configs.settings import ROOT
from masking.errors import InvalidValue
from pipelines import samplers
from pipelines.planning import resolve
from pipelines.samplers import Sampler
from pipelines.solvers import legs
from pipelines.tasks.text_to_image import TextToImage
from tests.pipelines.recipes import paint, recipe, repainting

CONFIG = {"num_train_timesteps": 1000, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}

TABLE = json.loads((ROOT / "configs" / "samplers.json").read_text(encoding="utf-8"))
FOOOCUS_SAMPLERS = [*TABLE["samplers"], *TABLE["nearest"]["samplers"]]
FOOOCUS_SCHEDULERS = [*TABLE["schedulers"], *TABLE["nearest"]["schedulers"]]
OURS = ["dpmpp_2s_ancestral", "dpmpp_sde", "lcm", "tcd", "restart"]
PAIRS = [(sampler, to) for sampler in samplers.names("sampler") for to in samplers.schedulers_of(sampler)]


def walked(sampler: str, scheduler: str, steps: int, kind: str = "epsilon", skipped: int = 0) -> tuple[float, int]:
    """How far the end is from the one clean picture (all 0.5) that a perfect model sees, and how often it was asked."""
    config = CONFIG | {"prediction_type": kind}
    way = Sampler(sampler, scheduler, config, steps=steps, skipped=skipped, device="cpu")
    clean, generator = torch.full((1, 4, 8, 8), 0.5), torch.Generator().manual_seed(1)
    noise = torch.randn(clean.shape, generator=generator)
    latents = way.diffusers.add_noise(clean, noise, way.timesteps[:1])
    levels = np.asarray(way.diffusers.alphas_cumprod)
    for timestep in way.timesteps:
        seen = way.diffusers.scale_model_input(latents, timestep)
        alpha = float(np.exp(np.interp(float(timestep), np.arange(1000), np.log(levels))))
        epsilon = (seen - alpha**0.5 * clean) / (1 - alpha) ** 0.5
        told = epsilon if kind == "epsilon" else alpha**0.5 * epsilon - (1 - alpha) ** 0.5 * clean
        latents = way.step(told, timestep, latents, generator)
    return float((latents - clean).abs().mean()), len(way.timesteps)


def test_all_of_fooocus_names_are_known():
    assert (len(FOOOCUS_SAMPLERS), len(FOOOCUS_SCHEDULERS)) == (24, 11)


@pytest.mark.parametrize(("sampler", "scheduler"), PAIRS)
def test_a_perfect_model_is_followed_to_its_picture(sampler, scheduler):
    assert walked(sampler, scheduler, 6)[0] < 0.06
    assert np.isfinite(walked(sampler, scheduler, 1)[0])


@pytest.mark.parametrize("sampler", [*OURS, "euler", "dpmpp_2m"])
@pytest.mark.parametrize("scheduler", ["karras", "turbo", "align_your_steps"])
def test_what_predicts_velocity_or_starts_late_comes_to_the_picture_too(sampler, scheduler):
    assert walked(sampler, scheduler, 6, "v_prediction")[0] < 0.06
    assert walked(sampler, scheduler, 4, skipped=3)[0] < 0.06


@pytest.mark.parametrize(("sampler", "scheduler"), list(itertools.product(FOOOCUS_SAMPLERS, FOOOCUS_SCHEDULERS)))
def test_every_pair_of_fooocus_can_be_planned_and_what_differs_is_told(settings, sampler, scheduler):
    plan = resolve(TextToImage(sampler=sampler, scheduler=scheduler), settings)
    assert plan.recipe.scheduler in samplers.schedulers_of(plan.recipe.sampler)
    told = " ".join(plan.warnings)
    assert (plan.recipe.sampler == sampler) or sampler in told
    assert (plan.recipe.scheduler == scheduler) or scheduler in told


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(InvalidValue, match="dpmpp_sde"):
        samplers.check("sampler", "dpmpp_sd", [])


@pytest.mark.parametrize("sampler", OURS)
@pytest.mark.parametrize("name", ["toy4", "toy9"])
def test_our_solvers_paint_and_keep_what_is_known(request, name, sampler):
    model, told = request.getfixturevalue(name), recipe(sampler=sampler, steps=4)
    whole, late = paint(model, repainting(told)), paint(model, repainting(told, skipped=3))
    assert whole.std() > 1
    assert (whole != late).any()


def test_our_solvers_differ_from_each_other(toy4):
    made = [paint(toy4, repainting(recipe(sampler=sampler, steps=6))) for sampler in OURS]
    assert all((one != other).any() for one, other in itertools.combinations(made, 2))


def test_restart_goes_back_up_once_and_down_again():
    way = [leg.at for leg in legs("restart", [14.0, 6.0, 2.5, 1.0, 0.4, 0.1, 0.03, 0.0], float)]
    rises = [i for i in range(1, len(way)) if way[i] > way[i - 1]]
    assert len(rises) == 1
    assert way[rises[0]] == pytest.approx(2.0)


def test_turbo_and_align_your_steps_are_schedules_of_their_own():
    firsts = {
        name: Sampler("euler", name, CONFIG, steps=4, skipped=0, device="cpu") for name in ("turbo", "sgm_uniform")
    }
    assert [round(float(t)) for t in firsts["turbo"].timesteps] == [999, 899, 799, 699]
    aligned = Sampler("dpmpp_2m", "align_your_steps", CONFIG, steps=10, skipped=0, device="cpu")
    assert [round(float(sigma), 2) for sigma in aligned.diffusers.sigmas[1:4]] == [6.47, 3.86, 2.70]
