"""Checkpoints are told by what their files say, before anything is loaded."""

import json
import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from configs.settings import ROOT, Settings
from masking.errors import BrokenModel, InvalidValue, ModelMissing, NotSupported
from pipelines import checkpoints, kinds
from pipelines.families import families
from pipelines.plans import Painting
from tests import toys
from tests.pipelines.recipes import paint, recipe
from tests.single_files import pack, write


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    (tmp_path / "models" / "checkpoints").mkdir(parents=True)
    return Settings(models_path=tmp_path / "models", output_path=tmp_path / "out", device="cpu")


def place(home: Settings, name: str) -> Path:
    return home.models_path / "checkpoints" / name


def signs(home: Settings, name: str, keys: dict[str, tuple[int, ...]]) -> Path:
    """A file with nothing in it but the tensors that tell its kind."""
    file = place(home, name)
    write({key: torch.zeros(shape) for key, shape in keys.items()}, file)
    return file


@pytest.mark.parametrize("suffix", ["safetensors", "ckpt"])
@pytest.mark.parametrize("toy", ["toy4", "toy9", "xl4", "xl9"])
def test_a_single_file_paints_what_its_folder_paints(home, models_path, request, toy, suffix):
    pack(models_path / "checkpoints" / toy, place(home, f"one.{suffix}"))
    found = checkpoints.find(f"one.{suffix}", home)
    asked = Painting(recipe=recipe(clip_skip=2, checkpoint=found.name), seed=1, width=64, height=64)
    assert (found.family, found.inpainting) == ("sdxl" if "xl" in toy else "stable_diffusion", "9" in toy)
    model = families()[found.family].load(found, "cpu", home)
    np.testing.assert_array_equal(paint(model, asked), paint(request.getfixturevalue(toy), asked))


def test_a_folder_beside_a_file_is_no_checkpoint_of_its_own(home, models_path):
    pack(models_path / "checkpoints" / "toy4", place(home, "sub/one.safetensors"))
    assert [name for name in checkpoints.installed(home) if "starter" not in name] == ["sub/one.safetensors"]


UNET, VAE = "model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.decoder.conv_in.weight"
CLIP = "cond_stage_model.transformer.text_model.embeddings.position_embedding.weight"
OPEN_CLIP = "cond_stage_model.model.ln_final.weight"
BIG_CLIP, FIRST_CLIP = "conditioner.embedders.1.model.ln_final.weight", "conditioner.embedders.0.transformer.x"


@pytest.mark.parametrize(
    ("keys", "family", "side", "inpainting"),
    [
        ({UNET: (320, 4, 3, 3), CLIP: (77, 768), VAE: (1,)}, "stable_diffusion", 512, False),
        ({UNET: (320, 9, 3, 3), CLIP: (77, 768), VAE: (1,)}, "stable_diffusion", 512, True),
        ({UNET: (320, 4, 3, 3), OPEN_CLIP: (1024,), VAE: (1,)}, "stable_diffusion", 512, False),
        ({UNET: (320, 9, 3, 3), OPEN_CLIP: (1024,), VAE: (1,)}, "stable_diffusion", 512, True),
        ({UNET: (320, 4, 3, 3), BIG_CLIP: (1280,), FIRST_CLIP: (1,), VAE: (1,)}, "sdxl", 1024, False),
        ({UNET: (320, 9, 3, 3), BIG_CLIP: (1280,), FIRST_CLIP: (1,), VAE: (1,)}, "sdxl", 1024, True),
    ],
)
@pytest.mark.parametrize("suffix", ["safetensors", "ckpt"])
def test_the_family_is_told_by_the_header(home, keys, family, side, inpainting, suffix):
    signs(home, f"x.{suffix}", keys)
    found = checkpoints.find(f"x.{suffix}", home)
    assert (found.family, found.side, found.inpainting, found.cell) == (family, side, inpainting, 8)


def test_velocities_are_told_by_the_header(home):
    bias = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
    file = place(home, "x.safetensors")
    for spread, predicts, side in ((0.01, "epsilon", 512), (0.3, "v_prediction", 768)):
        values = torch.tensor([spread, -spread] * 8)
        write({UNET: torch.zeros(1, 4), OPEN_CLIP: torch.zeros(1), VAE: torch.zeros(1), bias: values.half()}, file)
        found = checkpoints.find("x.safetensors", home)
        assert (found.parts.config("scheduler")["prediction_type"], found.side) == (predicts, side)
    keys = {UNET: (320, 4), BIG_CLIP: (1280,), FIRST_CLIP: (1,), VAE: (1,), "v_pred": (1,), "ztsnr": (1,)}
    signs(home, "xl.safetensors", keys)
    told = checkpoints.find("xl.safetensors", home).parts.config("scheduler")
    assert (told["prediction_type"], told["rescale_betas_zero_snr"]) == ("v_prediction", True)


def test_a_checkpoint_of_velocities_is_bit_equal_to_the_stock_pipeline(home):
    import diffusers

    from tests.pipelines.stock import stock

    folder = toys.stable_diffusion(place(home, "v"), predicts="v_prediction")
    found = checkpoints.find("v", home)
    told = recipe(sampler="euler", scheduler="normal")
    ours = paint(families()[found.family].load(found, "cpu", home), Painting(recipe=told, seed=4, width=64, height=64))
    theirs = stock(folder, diffusers.StableDiffusionPipeline, told, seed=4, width=64, height=64)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"conditioner.embedders.0.model.ln_final.weight": (1,)}, "refiner"),
        ({UNET: (320, 8, 3, 3), CLIP: (77, 768)}, "InstructPix2Pix"),
        ({"lora_unet_down_blocks_0.lora_down.weight": (4, 320)}, "belongs in loras"),
    ],
)
def test_what_cannot_paint_is_named(home, keys, told):
    signs(home, "x.safetensors", keys)
    with pytest.raises(NotSupported, match=told):
        checkpoints.find("x.safetensors", home)


def test_a_part_that_is_missing_is_asked_for_by_its_place(home):
    signs(home, "x.safetensors", {UNET: (320, 4, 3, 3), CLIP: (77, 768)})
    with pytest.raises(ModelMissing, match=r"vae.*parts.sd1.vae.*huggingface"):
        checkpoints.find("x.safetensors", home)
    toys.vae(home.models_path / "parts" / "sd1" / "vae")
    assert checkpoints.find("x.safetensors", home).cell == 8


def test_a_folder_without_a_file_says_which(home, models_path):
    for part in ("unet", "vae", "text_encoder"):
        shutil.copytree(models_path / "checkpoints" / "toy4", place(home, part))
        (place(home, part) / part / "config.json").unlink()
        with pytest.raises(BrokenModel, match=rf"{part}.*config.json"):
            checkpoints.find(part, home)


def test_a_model_of_another_pipeline_is_refused_by_its_name(home):
    place(home, "other").mkdir()
    (place(home, "other") / "model_index.json").write_text(json.dumps({"_class_name": "KolorsPipeline"}))
    with pytest.raises(NotSupported, match="KolorsPipeline"):
        checkpoints.find("other", home)


class _Evil:
    def __reduce__(self):
        import os

        return os.system, ("touch /tmp/gesso-was-here",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 30) + b'{"a":{"dtype":"F32","shape":3}}',
        b"GGUF" + b"\xff" * 40,
        pickle.dumps({"a": 1}),
    ],
)
@pytest.mark.parametrize("suffix", ["safetensors", "ckpt", "gguf"])
def test_a_broken_file_is_named_with_what_was_expected(home, content, suffix):
    place(home, f"broken.{suffix}").write_bytes(content)
    with pytest.raises(BrokenModel, match=rf"broken.{suffix}.*{suffix}"):
        checkpoints.find(f"broken.{suffix}", home)


def test_a_file_that_was_cut_short_is_broken(home, models_path):
    file = pack(models_path / "checkpoints" / "toy4", place(home, "cut.safetensors"))
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(BrokenModel, match="fetch it again"):
        checkpoints.find("cut.safetensors", home)


def test_a_pickle_runs_nothing(home, models_path):
    Path("/tmp/gesso-was-here").unlink(missing_ok=True)
    pack(models_path / "checkpoints" / "toy4", place(home, "evil.ckpt"), more={"x": _Evil()})
    found = checkpoints.find("evil.ckpt", home)
    with pytest.raises(BrokenModel, match=r"evil.ckpt"):
        families()[found.family].load(found, "cpu", home)
    assert not Path("/tmp/gesso-was-here").exists()


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_weights_that_are_missing_are_not_made_up(home, models_path, part):
    folder = Path(shutil.copytree(models_path / "checkpoints" / "toy4", place(home, "x")))
    file = next((folder / part).glob("*.safetensors"))
    tensors = load_file(file)
    tensors.pop(next(name for name in tensors if "weight" in name))
    save_file(tensors, file, {"format": "pt"})
    found = checkpoints.find("x", home)
    with pytest.raises(BrokenModel, match=rf"{part}.*lacks"):
        families()[found.family].load(found, "cpu", home)


def test_weights_that_are_missing_in_a_single_file_are_not_made_up(home, models_path):
    file = pack(models_path / "checkpoints" / "toy4", place(home, "x.safetensors"))
    tensors = load_file(file)
    tensors.pop("model.diffusion_model.middle_block.0.in_layers.2.weight")
    save_file(tensors, file)
    found = checkpoints.find("x.safetensors", home)
    with pytest.raises(BrokenModel, match=r"unet of the checkpoint x.safetensors"):
        families()[found.family].load(found, "cpu", home)


def test_unknown_names_get_the_nearest(home, models_path):
    pack(models_path / "checkpoints" / "toy4", place(home, "one.safetensors"))
    with pytest.raises(InvalidValue, match=r"one\.safetensors"):
        checkpoints.find("on.safetensors", home)


COUNTS = {
    "sd1": {"unet": 859_520_964, "vae": 83_653_863, "text_encoder": 123_060_480},
    "sd2": {"unet": 865_910_724, "vae": 83_653_863, "text_encoder": 340_387_840},
    "sdxl": {
        "unet": 2_567_463_684,
        "vae": 83_653_863,
        "text_encoder": 123_060_480,
        "text_encoder_2": 694_659_840,
    },
}
"""Parameters of the published models: a number that would be off if a setting was."""


@pytest.mark.parametrize(("configs", "part"), [(name, part) for name, parts in COUNTS.items() for part in parts])
def test_our_settings_make_models_of_the_published_size(configs, part):
    import diffusers
    import transformers
    from accelerate import init_empty_weights

    folder = ROOT / "configs" / "parts" / configs / part
    told = json.loads((folder / "config.json").read_text())
    with init_empty_weights():
        if "_class_name" in told:
            kind = getattr(diffusers, told["_class_name"])
            made = kind.from_config(kind.load_config(folder))
        else:
            kind = getattr(transformers, told["architectures"][0])
            made = kind(kind.config_class.from_pretrained(folder))
    assert sum(values.numel() for values in made.parameters()) == COUNTS[configs][part]


def test_every_kind_has_its_settings():
    table = kinds.table()
    for kind in table["kinds"]:
        assert "refused" in kind or (kind["family"] in families() and kind["configs"] in table["parts"]), kind["name"]
    assert set(table["pipelines"].values()) <= set(families())


def test_the_shipped_vocabulary_is_clips():
    from pipelines.weights import clip_tokenizer

    tokenizer = clip_tokenizer("clip", "!", 77)
    told = tokenizer("a photo of an astronaut riding a horse on mars", padding="max_length", max_length=14).input_ids
    assert told == [49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496, 49407, 0, 0]
    assert len(tokenizer) == 49408
