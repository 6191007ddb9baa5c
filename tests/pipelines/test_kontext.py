"""FLUX.1 Kontext, which is shown the picture: as diffusers paints with it, and for every task."""

import shutil
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from configs.settings import Settings
from pipelines.checkpoints import find
from pipelines.families import Model, families
from pipelines.planning import resolve
from pipelines.plans import Painting, Pixels, Recipe
from pipelines.studio import Studio
from pipelines.tasks.inpaint import Inpaint
from pipelines.tasks.vary import Vary
from tests import toy_flow
from tests.pipelines.recipes import paint, picture, recipe, repainting, round_hole


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("home")
    toy_flow.flux(folder / "models" / "checkpoints" / "kon", shown=True)
    return Settings(models_path=folder / "models", output_path=folder / "out", preset="starter", device="cpu")


@pytest.fixture(scope="module")
def model(home: Settings) -> Model:
    found = find("kon", home)
    assert (found.family, found.kind, found.shown) == ("flux", "FLUX.1 Kontext", True)
    return families()["flux"].load(found, "cpu", home)


def told() -> Recipe:
    return recipe(sampler="euler", scheduler="simple")


def theirs(home: Settings, kind: Any, **more: Any) -> Pixels:
    pipe = kind.from_pretrained(home.models_path / "checkpoints" / "kon")
    pipe.set_progress_bar_config(disable=True)
    generator = torch.Generator("cpu").manual_seed(5)
    told_more = {"guidance_scale": told().guidance_scale, "generator": generator, "output_type": "np"} | more
    made = pipe(prompt=told().prompt, **told_more).images[0]
    return np.asarray((made * 255).round().astype(np.uint8))


def test_text_to_image_is_bit_equal_to_the_stock_pipeline(home: Settings, model: Model) -> None:
    ours = paint(model, Painting(recipe=told(), seed=5, width=80, height=64))
    size = {"width": 80, "height": 64, "max_area": 80 * 64, "num_inference_steps": 3}
    np.testing.assert_array_equal(ours, theirs(home, diffusers.FluxKontextPipeline, **size))


@pytest.mark.parametrize("skipped", [0, 3])
def test_inpaint_is_bit_equal_to_the_stock_pipeline(home: Settings, model: Model, skipped: int) -> None:
    more: dict[str, Any] = {"num_inference_steps": 3 + skipped, "strength": 0.5 if skipped else 1.0}
    more |= {"image": Image.fromarray(picture()), "mask_image": Image.fromarray(round_hole().astype(np.uint8) * 255)}
    stock = theirs(home, diffusers.FluxKontextInpaintPipeline, _auto_resize=False, **more)
    np.testing.assert_array_equal(paint(model, repainting(told(), skipped=skipped)), stock)


def test_it_sees_what_it_is_to_change(home: Settings) -> None:
    image, mask = home.models_path.parent / "image.png", home.models_path.parent / "mask.png"
    Image.fromarray(round_hole().astype(np.uint8) * 255).save(mask)
    studio, made = Studio(home), []
    for seed in (0, 1):
        Image.fromarray(picture(seed=seed)).save(image)
        asked: dict[str, Any] = {"checkpoint": "kon", "image": image, "steps": 2, "seed": 1}
        for task in (Inpaint(mask=mask, seam_repair=False, **asked), Vary(method="strong", **asked)):
            made.append(np.asarray(studio.run(resolve(task, home), lambda _event: None)[0]))
    hole = round_hole()
    assert (made[0][hole] != made[2][hole]).any()
    assert (made[1] != made[3]).any()
    np.testing.assert_array_equal(made[0][~hole], picture(seed=0)[~hole])


def test_a_single_file_is_told_by_its_name(home: Settings) -> None:
    own = home.models_path / "checkpoints" / "kon"
    for name, shown in (("flux1-dev-kontext_fp8.safetensors", True), ("flux1-dev.safetensors", False)):
        file = home.models_path / "checkpoints" / name
        shutil.copytree(own, file.with_suffix(".parts"), ignore=shutil.ignore_patterns("model_index.json"))
        shutil.copy(own / "transformer" / "diffusion_pytorch_model.safetensors", file)
        found = find(name, home)
        assert found.usual is not None
        assert (found.shown, found.usual.name) == (shown, "flux kontext" if shown else "flux dev")
