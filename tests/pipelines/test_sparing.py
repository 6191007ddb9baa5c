"""Memory that runs out is no end: others go, and the plan is painted once more in a leaner way."""

from typing import Any

import numpy as np
import pytest
import torch

from configs.settings import Settings
from masking.machine import is_out_of_memory
from masking.residency import Residency
from pipelines import sparing
from pipelines.events import Event, Finished
from pipelines.planning import resolve
from pipelines.plans import Plan
from pipelines.studio import Studio
from pipelines.tasks.text_to_image import TextToImage
from tests import toys
from tests.pipelines.passes import rows_of_passes

CPU = "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."


@pytest.fixture(scope="module")
def studio(models_path) -> Studio:
    return Studio(Settings(models_path=models_path, device="cpu", max_batch=2))


@pytest.fixture(params=["toy4", "xl4"])
def plan(request: pytest.FixtureRequest, settings: Settings) -> Plan:
    asked = TextToImage(checkpoint=request.param, prompt="a ball", steps=2, width=64, height=64, seed=7, image_number=3)
    return resolve(asked, settings)


def painted(studio: Studio, plan: Plan) -> tuple[list[np.ndarray], tuple[str, ...]]:
    told: list[Event] = []
    pictures = [np.asarray(picture).astype(int) for picture in studio.run(plan, told.append)]
    ends = [event for event in told if isinstance(event, Finished)]
    assert len(ends) == 1
    return pictures, ends[0].warnings


def test_a_plan_that_runs_out_of_memory_is_painted_again_in_a_leaner_way(studio: Studio, plan: Plan):
    usual, warnings = painted(studio, plan)
    assert warnings == ()
    studio.held.get(("describer", "idle"), lambda: torch.nn.Linear(8, 8))
    with rows_of_passes(studio, plan, lambda rows: rows > 1) as seen:
        lean, warnings = painted(studio, plan)
    assert (seen[:3], set(seen[3:])) == ([4, 2, 2], {1}), "first with fewer at a time, then in the leaner way"
    assert warnings == (sparing.TOLD,)
    assert ("describer", "idle") not in studio.held.loaded()
    for one, other in zip(usual, lean, strict=True):
        assert np.abs(one - other).max() <= 2
    with rows_of_passes(studio, plan, lambda _: False) as seen:
        again, warnings = painted(studio, plan)
    assert (max(seen), warnings) == (4, ())
    for one, other in zip(usual, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_finished_is_not_painted_again(studio: Studio, plan: Plan):
    passes = iter(range(100))
    with rows_of_passes(studio, plan, lambda rows: next(passes) == 3 and rows > 1) as seen:
        pictures, warnings = painted(studio, plan)
    assert (len(pictures), warnings) == (3, (sparing.TOLD,))
    assert seen == [4, 4, 2, 2, *[1] * 4]


def test_memory_that_runs_out_twice_is_told(studio: Studio, plan: Plan):
    with rows_of_passes(studio, plan, lambda _: True), pytest.raises(torch.OutOfMemoryError):
        studio.run(plan, lambda _: None)
    assert painted(studio, plan)[1] == ()


def test_the_vae_works_in_tiles_while_it_is_leaner_and_not_after(studio: Studio, plan: Plan):
    with studio.checkpoint(plan.recipe.checkpoint) as easels:
        model: Any = easels.easel().model
        with sparing.leaner(model):
            assert (model.lean, model.vae.use_tiling) == (True, True)
        assert (model.lean, model.vae.use_tiling) == (False, False)


@pytest.mark.parametrize(
    ("problem", "is_one"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError(CPU), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (MemoryError(), True),
        (RuntimeError("shapes differ"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_running_out_of_memory_looks_like(problem, is_one):
    assert is_out_of_memory(problem) == is_one


def test_other_work_is_done_again_with_everything_else_away():
    held, tries = Residency(), list[tuple[Any, ...]]()
    held.get(("upscaler", "idle"), lambda: torch.nn.Linear(8, 8))

    def load() -> str:
        tries.append(held.loaded())
        if len(tries) == 1:
            raise RuntimeError(CPU)
        return "model"

    assert held.get(("segmenter", "new"), load) == "model"
    assert tries == [(("upscaler", "idle"),), ()]


def test_a_checkpoint_that_does_not_fit_is_not_called_broken(tmp_path, monkeypatch):
    from diffusers import AutoencoderKL

    toys.stable_diffusion(tmp_path / "checkpoints" / "toy")
    monkeypatch.setattr(AutoencoderKL, "from_pretrained", lambda *_, **__: (_ for _ in ()).throw(RuntimeError(CPU)))
    studio = Studio(Settings(models_path=tmp_path, device="cpu"))
    with pytest.raises(RuntimeError, match="not enough memory"), studio.checkpoint("toy"):
        pass
