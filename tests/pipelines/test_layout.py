"""Weights may lie as a graphics card likes: the pictures stay, and LoRAs, patches and FreeU find what they hang on."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from configs.settings import Settings
from masking.weighing import weigh
from pipelines import inpaint_engine, layout, projections
from pipelines.checkpoints import find
from pipelines.families import families
from pipelines.plans import Lora, Painting, Pixels
from tests import toy_loras, toys
from tests.pipelines.recipes import paint, recipe
from tests.pipelines.test_inpaint_engine import FILES, write_patch
from tests.toy_flow import flux

JOINT = ("to_qkv.weight", "to_kv.weight")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    models = tmp_path_factory.mktemp("home") / "models"
    settings = Settings(models_path=models, device="cpu")
    toys.stable_diffusion(models / "checkpoints" / "sd")
    toys.sdxl(models / "checkpoints" / "xl")
    model = load("xl", settings)
    toy_loras.write(toy_loras.peft(toy_loras.deltas(model)), models / "loras" / "change.safetensors")
    (models / "inpaint").mkdir()
    torch.save({"head": torch.randn(8, 5, 3, 3)}, models / "inpaint" / "fooocus_inpaint_head.pth")
    write_patch(model.unet, models / "inpaint" / FILES["v2.6"], seed=1)
    return settings


@pytest.fixture
def as_on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor is treated as a graphics card is."""
    monkeypatch.setattr(layout, "ON", ("cpu",))


def load(name: str, settings: Settings) -> Any:
    found = find(name, settings)
    return families()[found.family].load(found, "cpu", settings)


def asked(**more: Any) -> Painting:
    return Painting(recipe=recipe(steps=2, **more), seed=1, width=64, height=64)


def close(one: Pixels, other: Pixels) -> bool:
    return bool(np.abs(one.astype(int) - other).max() <= 1)


def weights(model: Any) -> dict[str, torch.Tensor]:
    return dict(model.unet.state_dict())


def test_on_a_processor_weights_lie_as_they_were_read(settings):
    model = load("xl", settings)
    assert not any(name.endswith(JOINT) for name in weights(model))
    assert all(weight.is_contiguous() for weight in weights(model).values())


@pytest.mark.parametrize("name", ["sd", "xl"])
@pytest.mark.parametrize("more", [{}, {"freeu": (1.1, 1.2, 0.9, 0.5)}, {"guidance_scale": 1.0}])
@pytest.mark.usefixtures("as_on_a_card")
def test_a_card_paints_the_same_picture_with_channels_last_and_joint_projections(settings, name, more, monkeypatch):
    model = load(name, settings)
    assert any(weight.dim() == 4 and not weight.is_contiguous() for weight in weights(model).values())
    assert {name for name in JOINT for each in weights(model) if each.endswith(name)} == set(JOINT)
    monkeypatch.setattr(layout, "ON", ())
    assert close(paint(model, asked(**more)), paint(load(name, settings), asked(**more)))


def test_joint_projections_weigh_nothing_and_come_apart_to_the_bit(settings):
    unet = load("xl", settings).unet
    before, bytes_before = {name: weight.clone() for name, weight in unet.state_dict().items()}, weigh(unet)
    projections.join(unet)
    assert weigh(unet) == bytes_before
    projections.part(unet)
    assert weigh(unet) == bytes_before
    assert list(unet.state_dict()) == list(before)
    assert all(torch.equal(weight, before[name]) for name, weight in unet.state_dict().items())


@pytest.mark.usefixtures("as_on_a_card")
def test_a_lora_is_put_on_single_projections_and_taken_off(settings, monkeypatch):
    model = load("xl", settings)
    monkeypatch.setattr(layout, "ON", ())
    usual = load("xl", settings)
    with_lora = dataclasses.replace(asked().recipe, loras=(Lora(name="change.safetensors", weight=0.8),))
    for painting in (asked(), dataclasses.replace(asked(), recipe=with_lora), asked()):
        assert close(paint(model, painting), paint(usual, painting))
    assert not any(name.endswith(JOINT) for name in weights(model))


@pytest.mark.usefixtures("as_on_a_card")
def test_an_inpaint_engine_finds_the_weights_that_it_changes(settings):
    model = load("xl", settings)
    patch = inpaint_engine.load(model, "v2.6", settings)
    assert paint(model.with_patch(patch), asked()).std() > 1
    assert len(patch.names) == 3


@pytest.mark.usefixtures("as_on_a_card")
def test_layer_by_layer_a_joint_projection_still_comes_apart(settings):
    from masking import placement
    from masking.machine import Machine

    model = load("xl", settings)
    before = paint(model, asked())
    placement.place([model.unet], "layers", Machine("cpu"))
    model.rows.take_apart()
    assert close(paint(model, asked()), before)


@pytest.mark.usefixtures("as_on_a_card")
def test_a_model_of_flow_matching_has_its_vae_so(tmp_path: Path):
    flux(tmp_path / "checkpoints" / "flow")
    vae = load("flow", Settings(models_path=tmp_path, device="cpu")).space.vae
    assert not all(weight.is_contiguous() for weight in vae.parameters())


@pytest.mark.parametrize(("generation", "first"), [(9, "CUDNN_ATTENTION"), (8, None), (10, None)])
def test_hopper_attends_by_cudnn_and_others_as_torch_does(monkeypatch, generation, first):
    from torch.nn.attention import _cur_sdpa_kernel_backends

    monkeypatch.setattr(layout, "_generation", lambda: generation)
    usual = _cur_sdpa_kernel_backends(with_priority=True)
    with layout.attending("cuda"):
        assert _cur_sdpa_kernel_backends(with_priority=True)[0].name == (first or usual[0].name)
    with layout.attending("cpu"):
        assert _cur_sdpa_kernel_backends(with_priority=True) == usual
