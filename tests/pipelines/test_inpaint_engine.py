"""Fooocus's inpaint head and patch, on a toy SDXL with files made up in their format."""

import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.hooks import apply_group_offloading
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional

from configs.settings import Settings
from masking.errors import BrokenModel
from masking.weighing import weigh
from pipelines import inpaint_engine, presets
from pipelines.checkpoints import find
from pipelines.families import families
from pipelines.patched_reading import WORN, worn
from pipelines.planning import resolve
from pipelines.plans import Lora, Plan
from pipelines.studio import Studio
from pipelines.tasks.inpaint import Inpaint
from pipelines.tasks.text_to_image import TextToImage
from tests import toy_loras, toys
from tests.pipelines.recipes import paint, picture, recipe, repainting, round_hole
from tests.single_files import unet_name

FILES = {"v1": "inpaint.fooocus.patch", "v2.5": "inpaint_v25.fooocus.patch", "v2.6": "inpaint_v26.fooocus.patch"}
CHANGED = ("down_blocks.1.attentions.0.proj_in.weight", "mid_block.resnets.0.conv1.weight", "conv_out.bias")
"""Of the UNet's tensors."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    models = tmp_path_factory.mktemp("home") / "models"
    for name, channels in (("xl", 4), ("xl9", 9)):
        toys.sdxl(models / "checkpoints" / name, unet_channels=channels)
    toys.stable_diffusion(models / "checkpoints" / "sd")
    (models / "inpaint").mkdir()
    torch.save({"head": torch.randn(8, 5, 3, 3)}, models / "inpaint" / "fooocus_inpaint_head.pth")
    for number, file in enumerate(FILES.values()):
        write_patch(load("xl", Settings(models_path=models)).unet, models / "inpaint" / file, seed=number)
    return Settings(models_path=models, device="cpu", preset="xl")


@pytest.fixture(autouse=True)
def toy_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xl.json").write_text('{"default_model": "xl", "default_aspect_ratio": "64*64"}')
    monkeypatch.setattr(presets, "FOLDER", tmp_path)


def load(name: str, settings: Settings) -> Any:
    found = find(name, settings)
    return families()[found.family].load(found, "cpu", settings)


def write_patch(unet: Any, file: Path, seed: int) -> dict[str, torch.Tensor]:
    """The file, and the changes that it tells, by diffusers' names."""
    rng = torch.Generator().manual_seed(seed)
    weights = dict(unet.named_parameters())
    told, changes = {}, {}
    for name in CHANGED:
        steps = torch.randint(0, 256, weights[name].shape, generator=rng, dtype=torch.uint8)
        least, largest = torch.tensor(-0.3), torch.tensor(0.5)
        told["diffusion_model." + unet_name(name, set(weights))] = (steps, least, largest)
        changes[name] = steps.float() / 255 * 0.8 - 0.3
    torch.save(told, file)
    return changes


def test_a_patch_adds_what_it_tells_and_nothing_else(settings):
    model = load("xl", settings)
    changes = write_patch(model.unet, settings.models_path / "inpaint" / FILES["v2.6"], seed=2)
    before = {name: value.clone() for name, value in model.unet.named_parameters()}
    patched = model.with_patch(inpaint_engine.load(model, "v2.6", settings))
    with worn(model.unet, patched.patch):
        read = {name: read_by_its_layer(model.unet, name) for name in before}
    for name, value in before.items():
        torch.testing.assert_close(read[name], value + changes.get(name, 0), rtol=0, atol=1e-6)
        assert torch.equal(read_by_its_layer(model.unet, name), value)
        assert torch.equal(model.unet.get_parameter(name), value)


def read_by_its_layer(unet: Any, name: str) -> torch.Tensor:
    layer, _, own = name.rpartition(".")
    return getattr(unet.get_submodule(layer), own)


def in_place(settings: Settings, patch: Any) -> Any:
    """A model of its own whose weights are those that the patch gives."""
    model = load("xl", settings)
    with torch.no_grad():
        for name in patch.names:
            weight = model.unet.get_parameter(name)
            weight.copy_(patch.changed(name, weight))
    model.patch = types.SimpleNamespace(head=patch.head)
    model.unet.__dict__[WORN] = types.SimpleNamespace(patch=None)
    return model


@pytest.mark.parametrize("put_on", ["nothing", "a LoRA first", "a LoRA later", "layers first", "layers later"])
def test_it_paints_as_if_it_had_been_added_to_the_weights(settings, put_on):
    model = load("xl", settings)
    patch = inpaint_engine.load(model, "v2.6", settings)
    other = in_place(settings, patch)
    place = settings.models_path / "loras" / "x.safetensors"
    place.parent.mkdir(exist_ok=True)
    save_file(toy_loras.peft(toy_loras.deltas(model, ("attention",))), place)
    told = recipe(steps=2, loras=(Lora(name="x.safetensors", weight=0.7),) if "LoRA" in put_on else ())
    if put_on == "a LoRA first":
        model.adapters.put_on(told.loras)
    if put_on == "layers first":
        in_layers(model.unet)
    patched = model.with_patch(patch)
    if put_on == "layers later":
        in_layers(model.unet)
    painting = repainting(told)
    usual = paint(model, painting)
    np.testing.assert_array_equal(paint(patched, painting), paint(other, painting))
    np.testing.assert_array_equal(paint(model, painting), usual)
    assert (paint(patched, painting) != usual).any()


def in_layers(unet: Any) -> None:
    """As `--vram low` has it lie, with the main memory in the place of a card."""
    main = torch.device("cpu")
    apply_group_offloading(unet, onload_device=main, offload_device=main, offload_type="leaf_level")


def test_the_head_adds_to_what_the_first_layer_tells(settings):
    """The same as a first layer that does both."""
    plain = load("xl", settings)
    model = plain.with_patch(inpaint_engine.load(plain, "v2.6", settings))
    painting = repainting(recipe(steps=2))
    ours = paint(model, painting)
    head = model.patch.head
    model.patch.head = torch.zeros_like(head)
    without = paint(model, painting)
    seen: list[torch.Tensor] = []

    class Both(torch.nn.Module):
        def __init__(self, first: torch.nn.Module) -> None:
            super().__init__()
            self.first = first

        def forward(self, latents: torch.Tensor) -> torch.Tensor:
            told = functional.conv2d(functional.pad(seen[0], (1, 1, 1, 1), mode="replicate"), head)
            return self.first(latents) + told

    start = model.start

    def remember(painting: Any, scheduler: Any, timestep: Any, generator: torch.Generator) -> Any:
        started = start(painting, scheduler, timestep, generator)
        seen[:] = [started.conditions]
        return started

    model.start, model.unet.conv_in = remember, Both(model.unet.conv_in)
    np.testing.assert_array_equal(paint(model, painting), ours)
    assert (ours != without).any()
    assert seen[0].shape == (1, 5, 8, 8)
    assert set(seen[0][0, 0].unique().tolist()) == {0.0, 1.0}


def wish(folder: Path, **fields: Any) -> Inpaint:
    Image.fromarray(picture()).save(folder / "image.png")
    Image.fromarray(round_hole().astype(np.uint8) * 255).save(folder / "mask.png")
    more: dict[str, Any] = {"checkpoint": "xl", "seed": 1, "steps": 2} | fields
    return Inpaint(image=folder / "image.png", mask=folder / "mask.png", **more)


def drawn(studio: Studio, plan: Plan) -> np.ndarray:
    return np.asarray(studio.run(Plan.from_json(plan.to_json()), lambda _: None)[0])


def test_the_engine_works_on_inpaints_alone_and_leaves_nothing_behind(settings, tmp_path):
    studio = Studio(settings)
    words = TextToImage(checkpoint="xl", seed=1, steps=2, width=64, height=64)
    plans = [resolve(task, settings) for task in (words, wish(tmp_path, inpaint_engine="None"))]
    before = [drawn(studio, plan) for plan in plans]
    made = {name: drawn(studio, resolve(wish(tmp_path, inpaint_engine=name), settings)) for name in FILES}
    after = [drawn(studio, plan) for plan in plans]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    hole = round_hole()
    for pixels in made.values():
        assert (pixels[hole] != before[1][hole]).any()
        np.testing.assert_array_equal(pixels[~hole], picture()[~hole])
    assert (made["v1"] != made["v2.6"]).any()
    usual = resolve(wish(tmp_path), settings)
    assert usual.effective["inpaint_engine"] == "v2.6"
    np.testing.assert_array_equal(drawn(studio, usual), made["v2.6"])


def test_no_weight_is_held_twice(settings, tmp_path):
    studio = Studio(settings)
    plans = [resolve(wish(tmp_path, inpaint_engine=name), settings) for name in ("None", "v2.6")]
    with studio.easel(plans[0]) as plain:
        alone = [told.bytes for told in studio.held.report()]
    with studio.easel(plans[1]) as patched:
        one: Any = plain.model
        other: Any = patched.model
        assert one.unet is other.unet
        assert one.vae is other.vae
        assert one.reader is other.reader
        assert one.adapters is other.adapters
        assert (one.patch, patched.glance) == (None, plain.glance)
    held = {(told.kind, told.name): told for told in studio.held.report()}
    assert list(held) == [("inpaint_engine", "v2.6 for xl"), ("checkpoint", "xl")]
    changed = sum(one.unet.get_parameter(name).numel() for name in CHANGED)
    assert held["inpaint_engine", "v2.6 for xl"].bytes == changed + weigh(other.patch.head) + 8 * len(CHANGED)
    assert [held["checkpoint", "xl"].bytes] == alone


@pytest.mark.parametrize("checkpoint", ["sd", "xl9"])
def test_other_checkpoints_inpaint_by_themselves_which_is_told_where_one_was_asked_for(settings, tmp_path, checkpoint):
    plan = resolve(wish(tmp_path, checkpoint=checkpoint, inpaint_engine="v2.6"), settings)
    assert plan.recipe.inpaint_engine == ""
    assert any("is for SDXL checkpoints" in told for told in plan.warnings)
    silent = resolve(wish(tmp_path, checkpoint=checkpoint), settings)
    assert not any("inpaint_engine" in told for told in silent.warnings)
    assert resolve(TextToImage(checkpoint=checkpoint), settings).recipe.inpaint_engine == ""


@pytest.mark.parametrize("told", [{}, {"diffusion_model.out.2.bias": (torch.zeros(9), torch.zeros(1), torch.ones(1))}])
def test_a_patch_of_something_else_is_named(settings, told):
    place = settings.models_path / "inpaint" / FILES["v2.5"]
    torch.save(told, place)
    with pytest.raises(BrokenModel, match="inpaint_v25"):
        inpaint_engine.load(load("xl", settings), "v2.5", settings)


def test_damaged_files_are_named(settings):
    place = settings.models_path / "inpaint" / FILES["v2.5"]
    place.write_bytes(b"no pickle")
    with pytest.raises(BrokenModel, match="inpaint_v25"):
        inpaint_engine.load(load("xl", settings), "v2.5", settings)
