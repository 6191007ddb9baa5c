"""With --fp8 weights take a fraction of the memory, and pictures differ little."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from configs.settings import Settings, SettingsError
from masking.errors import NotSupported
from masking.weighing import weigh
from pipelines import compiling, eight_bits, fitting, inpaint_engine, layout
from pipelines.checkpoints import find
from pipelines.families import families
from pipelines.fitting import Memory
from pipelines.planning import resolve
from pipelines.plans import Lora, Painting, Pixels
from pipelines.tasks.text_to_image import TextToImage
from tests import toy_flow, toy_loras, toys
from tests.pipelines.recipes import paint, recipe, repainting
from tests.pipelines.test_compiling import Untouched
from tests.pipelines.test_inpaint_engine import FILES, write_patch


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    models = tmp_path_factory.mktemp("home") / "models"
    settings = Settings(models_path=models, output_path=models.parent / "outputs", device="cpu")
    toys.sdxl(models / "checkpoints" / "xl")
    toy_flow.flux(models / "checkpoints" / "flux")
    model = load("xl", settings)
    toy_loras.write(toy_loras.peft(toy_loras.deltas(model)), models / "loras" / "change.safetensors")
    (models / "inpaint").mkdir()
    torch.save({"head": torch.randn(8, 5, 3, 3)}, models / "inpaint" / "fooocus_inpaint_head.pth")
    write_patch(model.unet, models / "inpaint" / FILES["v2.6"], seed=1)
    return dataclasses.replace(settings, fp8=True)


def load(name: str, settings: Settings) -> Any:
    found = find(name, settings)
    return families()[found.family].load(found, "cpu", settings)


def usual(name: str, home: Settings) -> Any:
    return load(name, dataclasses.replace(home, fp8=False))


def asked(**more: Any) -> Painting:
    told = recipe(**{"steps": 2, "sampler": "euler", "scheduler": "simple"} | more)
    return Painting(recipe=told, seed=1, width=64, height=64)


def narrowed(model: Any) -> list[Any]:
    return [layer for layer in model.modules() if type(layer).__name__ == "EightBitLinear"]


def apart(one: Pixels, other: Pixels) -> float:
    """Levels of 255, in the mean."""
    return float(np.abs(one.astype(int) - other).mean())


def decibels(told: torch.Tensor, expected: torch.Tensor) -> float:
    return float(20 * torch.log10(expected.norm() / (told - expected).norm()))


@torch.inference_mode()
def test_a_unet_of_eight_bits_is_a_fraction_as_heavy_and_answers_nearly_alike():
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    told = {"block_out_channels": (32, 64), "layers_per_block": 1, "cross_attention_dim": 64, "attention_head_dim": 8}
    down, up = ("CrossAttnDownBlock2D", "DownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")
    unet = UNet2DConditionModel(sample_size=8, down_block_types=down, up_block_types=up, **told).eval()
    given = torch.randn(2, 4, 8, 8), torch.tensor([500.0, 20.0]), torch.randn(2, 77, 64)
    expected, before = unet(*given, return_dict=False)[0], weigh(unet)
    wide = sum(layer.weight.nbytes for _, _, layer in eight_bits._inner(unet))
    eight_bits.narrow(unet, "cpu")
    saved = before - weigh(unet)
    assert saved == pytest.approx(wide * 3 / 4, rel=0.08), "of 32 bits 8 are left, and a scale for each row"
    assert decibels(unet(*given, return_dict=False)[0], expected) > 25


@torch.inference_mode()
def test_a_product_of_eight_bits_is_near_the_exact_one_and_rows_do_not_feel_each_other():
    torch.manual_seed(0)
    plain = nn.Linear(64, 48, dtype=torch.bfloat16)
    layer = eight_bits._kind()(plain.weight.data, plain.bias, True)
    given = torch.randn(3, 20, 64, dtype=torch.bfloat16)
    told = layer(given)
    assert (told.shape, told.dtype) == ((3, 20, 48), torch.bfloat16)
    assert decibels(told.float(), plain(given).float()) > 25
    louder = torch.cat([given[:1], 1000 * given[1:]])
    assert torch.equal(layer(louder)[0], told[0])
    assert not layer(torch.zeros_like(given)).sub(plain.bias).any(), "zeros have no scale"


@pytest.mark.parametrize("name", ["xl", "flux"])
def test_it_paints_nearly_the_same_picture(home, name):
    model, other = load(name, home), usual(name, home)
    assert narrowed(getattr(model, "unet", None) or model.transformer)
    assert weigh(model) < weigh(other)
    ours, theirs = paint(model, asked()), paint(other, asked())
    assert theirs.std() > 1
    assert 0 < apart(ours, theirs) < 4


def test_a_lora_works_on_top_and_is_taken_off(home, monkeypatch):
    monkeypatch.setattr(layout, "ON", ("cpu",))  # joint projections, which come apart
    model = load("xl", home)
    monkeypatch.setattr(layout, "ON", ())
    other = usual("xl", home)
    worn = asked(loras=(Lora(name="change.safetensors", weight=0.1),))  # more of it magnifies whatever differs
    before = paint(model, asked())
    theirs = paint(other, worn)
    assert apart(paint(model, worn), theirs) < apart(theirs, paint(other, asked())) / 2
    assert np.abs(paint(model, asked()).astype(int) - before).max() <= 1


def test_an_inpaint_engine_changes_what_is_read(home):
    model, other = load("xl", home), usual("xl", home)
    assert any(layer is model.unet.down_blocks[1].attentions[0].proj_in for layer in narrowed(model.unet))
    hole = repainting(recipe(steps=2))
    patches = [inpaint_engine.load(each, "v2.6", home) for each in (model, other)]
    assert patches[0].names == patches[1].names
    ours, theirs = (paint(each.with_patch(p), hole) for each, p in zip((model, other), patches, strict=True))
    assert apart(ours, theirs) < 4
    layer = model.unet.down_blocks[1].attentions[0].proj_in
    layer.multiplies = True
    assert apart(paint(model.with_patch(patches[0]), hole), ours) < 4


def test_it_is_compiled_as_well(home, monkeypatch, tmp_path):
    monkeypatch.setattr(torch, "compile", Untouched)
    monkeypatch.setattr(compiling, "WANTED", 1)
    monkeypatch.setenv(compiling.CACHE, str(tmp_path))
    model = load("xl", dataclasses.replace(home, compile="default"))
    first = paint(model, asked())
    model.forms.settle()
    assert np.abs(paint(model, asked()).astype(int) - first).max() <= 1
    assert model.forms.compiled


def test_a_plan_is_weighed_by_what_its_weights_then_take(home):
    plan = resolve(TextToImage(checkpoint="xl", prompt="a ball", width=64, height=64), home)
    found, memory = find("xl", home), Memory(device="cuda", main=10**12, own=10**12)
    wide, narrow = (
        fitting._need(plan, plan.scaled(1.0, 64, 16), found, settings, memory, lean=True).weights
        for settings in (dataclasses.replace(home, fp8=fp8, vram="high") for fp8 in (False, True))
    )
    assert narrow == wide / 2


def test_where_there_are_no_such_floats_it_is_refused():
    with pytest.raises(SettingsError, match="MPS has no 8-bit floats"):
        Settings(fp8=True, device="mps")
    with pytest.raises(NotSupported, match="mps has no 8-bit floats"):
        eight_bits.narrow(nn.Linear(16, 16), "mps")


def test_old_cards_and_those_that_refuse_the_product_widen(monkeypatch):
    for capability in ((8, 6), (12, 0)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda found=capability: found)
        monkeypatch.setattr(torch, "ones", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("CUBLAS_STATUS")))
        assert not eight_bits._multiplies.__wrapped__()
