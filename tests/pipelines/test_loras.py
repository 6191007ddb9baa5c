"""LoRAs work as diffusers loads them, and leave nothing behind."""

import dataclasses
import json
import os
import warnings
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from configs.settings import Settings
from masking.errors import BrokenModel, InvalidValue, ModelMissing, NotSupported
from pipelines import loras
from pipelines.checkpoints import find
from pipelines.engine import Engine
from pipelines.families import families
from pipelines.planning import resolve
from pipelines.plans import Lora, Painting, Pixels
from pipelines.tasks import LoraAsked
from pipelines.tasks.text_to_image import TextToImage
from tests import toy_loras, toys
from tests.pipelines.recipes import paint, recipe
from tests.pipelines.stock import stock

KINDS = {"sd": diffusers.StableDiffusionPipeline, "xl": diffusers.StableDiffusionXLPipeline}
FORMS = ("peft", "kohya", "sgm", "locon")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A models folder with LoRAs in every form for both families."""
    models = tmp_path_factory.mktemp("home") / "models"
    toys.stable_diffusion(models / "checkpoints" / "sd")
    toys.sdxl(models / "checkpoints" / "xl")
    settings = Settings(models_path=models, device="cpu")
    for name in KINDS:
        model = load(name, settings)
        changes = toy_loras.deltas(model)
        more = toy_loras.deltas(model, ("attention", "convolutions"), seed=1)
        for form, state in {
            "peft": toy_loras.peft(changes),
            "kohya": toy_loras.kohya(changes),
            "sgm": toy_loras.kohya({"unet": more["unet"]}, sgm=name == "xl"),  # only for SDXL is it trained so
            "locon": toy_loras.kohya(more),
        }.items():
            toy_loras.write(state, models / "loras" / name / f"{form}.safetensors")
    return settings


def load(name: str, settings: Settings) -> Any:
    found = find(name, settings)
    return families()[found.family].load(found, "cpu", settings)


@pytest.fixture(scope="module", params=KINDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(name: str, home: Settings) -> Any:
    return load(name, home)


def asked(name: str, *worn: tuple[str, float], **more: Any) -> Painting:
    chosen = tuple(Lora(name=f"{name}/{form}.safetensors", weight=weight) for form, weight in worn)
    told = recipe(**{"sampler": "euler", "scheduler": "normal", "clip_skip": 2, "steps": 2} | more)
    return Painting(recipe=dataclasses.replace(told, loras=chosen), seed=1, width=64, height=64)


def theirs(name: str, home: Settings, painting: Painting) -> Pixels:
    """What the stock pipeline paints after `load_lora_weights` and `set_adapters`."""
    pipe, _ = stock_pipe(name, home)
    moved = vars(pipe.text_encoder).pop("text_model")  # what `stock` put there would mislead the loader
    names = []
    for i, lora in enumerate(painting.recipe.loras):
        place = home.models_path / "loras" / lora.name
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Already found a `peft_config`")
            pipe.load_lora_weights(str(place.parent), weight_name=place.name, adapter_name=f"a{i}")
        names.append(f"a{i}")
    pipe.set_adapters(names, [lora.weight for lora in painting.recipe.loras])
    object.__setattr__(pipe.text_encoder, "text_model", moved)
    try:
        folder, kind = home.models_path / "checkpoints" / name, KINDS[name]
        return stock(
            folder, kind, painting.recipe, seed=1, width=64, height=64, clip_skip_from=2 if name == "xl" else 1
        )
    finally:
        del pipe.text_encoder.text_model
        pipe.unload_lora_weights()
        object.__setattr__(pipe.text_encoder, "text_model", moved)


def stock_pipe(name: str, home: Settings) -> Any:
    from tests.pipelines.stock import _pipeline

    return _pipeline(home.models_path / "checkpoints" / name, KINDS[name])


@pytest.mark.parametrize("form", ["loha", "tucker", "lokr", "whole"])
def test_lycoris_paints_as_weights_that_it_has_changed(name, home, model, form):
    other = load(name, home)
    state, changes = toy_loras.lycoris(other.unet, form)
    toy_loras.write(state, home.models_path / "loras" / name / f"{form}.safetensors")
    plain, ours = paint(model, asked(name)), paint(model, asked(name, (form, 0.8)))
    with torch.no_grad():
        for layer, change in changes.items():
            other.unet.get_submodule(layer).weight += 0.8 * change
    assert np.abs(ours.astype(int) - plain).max() > 3
    assert np.abs(ours.astype(int) - paint(other, asked(name))).max() <= 1
    np.testing.assert_array_equal(paint(model, asked(name)), plain)


@pytest.mark.parametrize("form", FORMS)
def test_a_lora_is_bit_equal_to_diffusers_own(home, name, model, form):
    painting = asked(name, (form, 0.8))
    ours = paint(model, painting)
    assert np.abs(ours.astype(int) - paint(model, asked(name))).mean() > 1
    np.testing.assert_array_equal(ours, theirs(name, home, painting))


def test_several_loras_are_bit_equal_to_diffusers_own(home, name, model):
    painting = asked(name, ("peft", 0.5), ("locon", -0.7))
    np.testing.assert_array_equal(paint(model, painting), theirs(name, home, painting))


def test_a_lora_adds_its_product_times_its_weight(home, name, model):
    patched = load(name, home)
    parts = {"unet": patched.unet}
    for encoder, part in zip(patched.reader.encoders, ("text_encoder", "text_encoder_2"), strict=False):
        parts[part] = encoder.text_encoder
    with torch.no_grad():
        for part, layers in toy_loras.deltas(model).items():
            for layer, (down, up) in layers.items():
                parts[part].get_submodule(layer).weight += 0.6 * toy_loras.ALPHA / toy_loras.RANK * up @ down
    ours = paint(model, asked(name, ("kohya", 0.6)))
    np.testing.assert_allclose(ours.astype(int), paint(patched, asked(name)), atol=1)


def test_nothing_is_left_of_a_lora(home, name, model):
    before = paint(load(name, home), asked(name))
    for worn in ([("peft", 1.0)], [("kohya", 0.3), ("sgm", 2.0)], [("locon", -1.0)], [("peft", 0.5), ("locon", 0.5)]):
        paint(model, asked(name, *worn))
        np.testing.assert_array_equal(paint(model, asked(name)), before)


def test_requests_with_other_loras_never_share_a_pass(name, model):
    paintings = [asked(name), asked(name, ("peft", 0.8)), asked(name, ("peft", 0.4)), asked(name, ("kohya", 0.8))]
    alone = [paint(model, painting) for painting in paintings]
    engine = Engine(model, max_batch=4)
    tickets = [engine.admit(painting) for painting in paintings]
    pictures: dict[int, Pixels | None] = {}
    while engine.busy:
        strokes = engine.step()
        assert len(strokes) == 1
        pictures |= {stroke.ticket: stroke.picture for stroke in strokes}
    for ticket, picture in zip(tickets, alone, strict=True):
        np.testing.assert_array_equal(pictures[ticket], picture)
    engine.admit(paintings[1])
    engine.admit(paintings[1])
    assert len(engine.step()) == 2


def test_only_so_many_loras_stay_loaded(home, monkeypatch):
    monkeypatch.setattr("pipelines.adapters.KEPT", 1)
    model = load("sd", home)
    first = paint(model, asked("sd", ("peft", 1.0)))
    for form in ("kohya", "locon"):
        paint(model, asked("sd", (form, 1.0)))
    assert len(model.adapters._loaded) == 1
    np.testing.assert_array_equal(paint(model, asked("sd", ("peft", 1.0))), first)


def test_a_lora_that_breaks_leaves_the_model_as_it_was(home):
    model = load("sd", home)
    before = paint(model, asked("sd"))
    state = toy_loras.peft(toy_loras.deltas(model))
    state["unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_B.weight"] = torch.zeros(5, 2)
    toy_loras.write(state, home.models_path / "loras" / "sd" / "bad.safetensors")
    with pytest.raises(BrokenModel, match="bad"):
        paint(model, asked("sd", ("bad", 1.0)))
    np.testing.assert_array_equal(paint(model, asked("sd")), before)
    np.testing.assert_array_equal(
        paint(model, asked("sd", ("peft", 1.0))), paint(load("sd", home), asked("sd", ("peft", 1.0)))
    )


@pytest.fixture
def toy(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Presets for both checkpoints, without LoRAs."""
    from pipelines import presets

    for name in KINDS:
        told = {"default_model": name, "default_aspect_ratio": "64*64", "default_sampler": "dpmpp_2m"}
        (tmp_path / f"{name}.json").write_text(json.dumps(told))
    monkeypatch.setattr(presets, "FOLDER", tmp_path)
    return dataclasses.replace(home, preset="sd", output_path=tmp_path / "out")


def test_a_lora_whose_file_has_changed_is_loaded_anew(home):
    model, place = load("sd", home), home.models_path / "loras" / "sd" / "changing.safetensors"
    kinds = [toy_loras.kohya(toy_loras.deltas(model, seed=seed)) for seed in (3, 4)]
    toy_loras.write(kinds[0], place)
    first = paint(model, asked("sd", ("changing", 1.0)))
    toy_loras.write(kinds[1], place)
    os.utime(place, ns=(1, 1))
    second = paint(model, asked("sd", ("changing", 1.0)))
    assert (first != second).any()
    np.testing.assert_array_equal(second, paint(load("sd", home), asked("sd", ("changing", 1.0))))
    toy_loras.write(kinds[0], place)
    np.testing.assert_array_equal(first, paint(model, asked("sd", ("changing", 1.0))))


def wear(name: str, *worn: tuple[str, float], **more: Any) -> TextToImage:
    return TextToImage(preset=name, loras=tuple(LoraAsked(name=each, weight=weight) for each, weight in worn), **more)


def test_the_prompts_loras_join_those_of_the_request(toy):
    words = "a <lora:sd/kohya.safetensors:0.25> ball <lora:sd/peft.safetensors:1>"
    plan = resolve(wear("sd", ("sd/peft.safetensors", 0.5), prompt=words), toy)
    assert [(lora.name, lora.weight) for lora in plan.shots[0].loras] == [
        ("sd/peft.safetensors", 1.5),
        ("sd/kohya.safetensors", 0.25),
    ]
    assert plan.effective["loras"] == [{"name": "sd/peft.safetensors", "weight": 0.5}]
    assert "lora" not in plan.shots[0].prompt


@pytest.mark.parametrize(
    ("name", "lora"), [("sd", "xl/peft"), ("xl", "sd/kohya"), ("xl", "sd/peft"), ("sd", "xl/kohya")]
)
def test_a_lora_of_another_family_is_refused(toy, name, lora):
    with pytest.raises(InvalidValue, match=rf"{lora}.*does not fit {name}") as caught:
        resolve(wear(name, (f"{lora}.safetensors", 1.0)), toy)
    assert caught.value.field == "loras"


@pytest.mark.parametrize(
    ("key", "kind", "told"),
    [
        ("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", InvalidValue, "does not fit"),
        ("lora_unet_double_blocks_0_img_attn_proj.lora_down.weight", InvalidValue, "does not fit"),
        ("lora_unet_down_blocks_0_attentions_0_proj_in.oft_blocks", NotSupported, "OFT"),
        ("lora_unet_down_blocks_0_attentions_0_proj_in.diff", NotSupported, "whole weights"),
    ],
)
def test_what_cannot_be_loaded_is_refused_by_what_it_is(toy, key, kind, told):
    toy_loras.write({key: torch.zeros(2, 2)}, toy.models_path / "loras" / "odd.safetensors")
    with pytest.raises(kind, match=told):
        resolve(wear("sd", ("odd.safetensors", 1.0)), toy)


def test_a_lora_that_is_missing_is_named(toy):
    with pytest.raises(ModelMissing, match="gone"):
        resolve(wear("sd", ("gone.safetensors", 1.0)), toy)


def test_a_dora_says_what_is_not_used(toy, home):
    state = toy_loras.kohya(toy_loras.deltas(load("sd", home)))
    state["lora_te_text_model_encoder_layers_0_self_attn_q_proj.dora_scale"] = torch.ones(16, 1)
    toy_loras.write(state, toy.models_path / "loras" / "dora.safetensors")
    assert any("DoRA" in told for told in resolve(wear("sd", ("dora.safetensors", 1.0)), toy).warnings)


MODES = {
    "Extreme Speed": (8, "sdxl_lcm_lora.safetensors", 1.0, "lcm", "lcm"),
    "Lightning": (4, "sdxl_lightning_4step_lora.safetensors", 1.0, "euler", "sgm_uniform"),
    "Hyper-SD": (4, "sdxl_hyper_sd_4step_lora.safetensors", 0.8, "dpmpp_sde_gpu", "karras"),
}


@pytest.mark.contract("6/extreme-speed", "6/lightning", "6/hyper-sd")
@pytest.mark.parametrize("mode", MODES)
def test_a_fast_mode_is_carried_out_with_its_lora_on_sdxl(toy, mode):
    steps, lora, weight, sampler, scheduler = MODES[mode]
    source = toy.models_path / "loras" / "xl" / "kohya.safetensors"
    place = toy.models_path / "loras" / lora
    place.write_bytes(source.read_bytes())
    try:
        plan = resolve(wear("xl", performance=mode, sampler="ddim", guidance_scale=7.0), toy)
        used = plan.recipe
        assert (used.steps, used.sampler, used.scheduler) == (steps, sampler, scheduler)
        assert (used.guidance_scale, used.sharpness, used.adaptive_cfg, used.adm) == (1, 0, 1, (1, 1, 0))
        assert used.loras == (Lora(name=lora, weight=weight),) == plan.shots[0].loras
        assert [told for told in plan.warnings if "was not used" in told and "LoRA" in told] == []
        assert any("ddim was not used" in told for told in plan.warnings)
        slow = resolve(wear("sd", performance=mode, sampler="ddim"), toy)
        assert (slow.recipe.steps, slow.recipe.sampler, slow.recipe.loras) == (steps, "ddim", ())
        assert any(lora in told for told in slow.warnings)
    finally:
        place.unlink()
    missing = resolve(wear("xl", performance=mode), toy)
    assert missing.recipe.loras == ()
    assert any(lora in told for told in missing.warnings)


def test_every_family_with_loras_is_a_family():
    assert set(loras._table()) <= set(families())
