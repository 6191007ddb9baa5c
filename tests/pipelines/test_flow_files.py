"""Transformers of flow matching as one file each, and LoRAs on them."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from configs.settings import Settings
from masking.errors import DoesNotFit, InvalidValue, ModelMissing, NotSupported
from pipelines import checkpoints, loras
from pipelines.families import families
from pipelines.fitting import Memory, refuse
from pipelines.loras import LoraWish
from pipelines.planning import resolve
from pipelines.plans import Painting, Pixels
from pipelines.tasks.text_to_image import TextToImage
from tests import toy_flow
from tests.pipelines.recipes import paint, recipe
from tests.single_flow import pack

TOYS = ("sd3", "flux", "z_image", "qwen_image", "flux2")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    models = tmp_path_factory.mktemp("home") / "models"
    for name in TOYS:
        getattr(toy_flow, name)(models / "checkpoints" / name)
    (models / "loras").mkdir()
    return Settings(models_path=models, device="cpu")


def load(home: Settings, name: str) -> Any:
    found = checkpoints.find(name, home)
    return families()[found.family].load(found, "cpu", home)


def painted(model: Any, **more: Any) -> Pixels:
    told = recipe(**{"sampler": "euler", "scheduler": "simple", "steps": 2} | more)
    return paint(model, Painting(recipe=told, seed=3, width=64, height=64))


def the_same(one: Any, other: Any) -> None:
    """The same weights, to the bit, and so the same picture; to a level, for some processors' kernels round by where in
    memory weights lie.
    """
    ours, theirs = (model.transformer.state_dict() for model in (one, other))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(torch.as_tensor(ours[name]), theirs[name]) for name in theirs)
    assert np.abs(painted(one).astype(int) - painted(other)).max() <= 1


def alone(home: Settings, name: str, suffix: str, *, quantized: bool = False) -> Path:
    """The toy's transformer as one file, and beside it all else of the toy. quantized: to 8 bits where that goes."""
    folder, file = home.models_path / "checkpoints" / name, home.models_path / "checkpoints" / f"base-{name}{suffix}"
    shutil.copytree(folder, file.with_suffix(".parts"), ignore=shutil.ignore_patterns("model_index.json"))
    tensors = load_file(next((folder / "transformer").glob("*.safetensors")))
    if suffix == ".gguf":
        writer = gguf.GGUFWriter(file, "flux")
        for key, value in tensors.items():
            if value.ndim == 2 and value.shape[1] % 32 == 0 and quantized:
                packed = gguf.quants.quantize(value.numpy(), gguf.GGMLQuantizationType.Q8_0)
                writer.add_tensor(key, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
            else:
                writer.add_tensor(key, value.numpy())
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    else:
        save_file({f"model.diffusion_model.{key}": value for key, value in tensors.items()}, file)
    return file


@pytest.mark.parametrize(
    ("name", "suffix"), [("flux", ".gguf"), ("qwen_image", ".safetensors"), ("flux2", ".safetensors")]
)
def test_a_transformer_alone_paints_what_its_folder_paints(home, name, suffix):
    file = alone(home, name, suffix)
    the_same(load(home, file.name), load(home, name))
    shutil.rmtree(file.with_suffix(".parts"))
    with pytest.raises(ModelMissing, match=r"text_encoder.*tokenizer.*put the folders"):
        checkpoints.find(file.name, home)
    file.unlink()


def test_a_quantized_transformer_paints_nearly_what_its_folder_paints(home):
    file = alone(home, "flux", ".gguf", quantized=True)
    ours, whole = (painted(load(home, name)).astype(int) for name in (file.name, "flux"))
    assert 0 < np.abs(ours - whole).mean() < 4
    shutil.rmtree(file.with_suffix(".parts"))
    file.unlink()


def test_a_quantized_transformer_is_weighed_as_it_lies_in_its_file(home):
    file = alone(home, "flux", ".gguf", quantized=True)
    settings = dataclasses.replace(home, output_path=home.models_path.parent / "outputs")
    plan = resolve(TextToImage(checkpoint="flux", width=64, height=64), settings)

    def least(name: str) -> int:
        """The smallest memory in which the plan is not refused."""
        found, low, high = checkpoints.find(name, home), 0, 2**36
        while high - low > 1:
            middle = (low + high) // 2
            try:
                refuse(plan, found, settings, Memory(device="cpu", main=middle))
            except DoesNotFit:
                low = middle
            else:
                high = middle
        return high

    whole = sum(each.stat().st_size for each in (home.models_path / "checkpoints" / "flux" / "transformer").iterdir())
    saved = least("flux") - least(file.name)
    assert 0.5 * (whole - file.stat().st_size) < saved < 2 * (whole - file.stat().st_size)
    shutil.rmtree(file.with_suffix(".parts"))
    file.unlink()


def test_stable_diffusion_3_as_one_file_paints_what_its_folder_paints(home):
    pack(home.models_path / "checkpoints" / "sd3", home.models_path / "checkpoints" / "sd3.safetensors")
    found = checkpoints.find("sd3.safetensors", home)
    assert (found.family, found.caveats) == ("sd3", ())
    the_same(load(home, "sd3.safetensors"), load(home, "sd3"))


BLOCK = "double_blocks.0.img_attn.norm.key_norm.scale"
JOINT = "joint_blocks.0.context_block.adaLN_modulation.1.bias"


@pytest.mark.parametrize(
    ("signs", "told"),
    [
        ([BLOCK, "guidance_in.in_layer.weight"], "FLUX.1 dev"),
        ([BLOCK], "FLUX.1 schnell"),
        (["layers.0.adaLN_modulation.0.weight", "cap_embedder.1.weight"], "Z-Image"),
        ([BLOCK, "single_stream_modulation.lin.weight"], "FLUX.2 klein"),
        ([BLOCK, "single_stream_modulation.lin.weight", "guidance_in.in_layer.weight"], "FLUX.2 dev"),
        ([JOINT], "Stable Diffusion 3"),
        ([JOINT, "joint_blocks.0.x_block.attn2.qkv.weight"], "Stable Diffusion 3.5 medium"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_what_a_file_lacks_is_named_with_its_place_and_source(home, signs, told, prefix):
    file = home.models_path / "checkpoints" / "signs.safetensors"
    save_file({prefix + key: torch.zeros(1, 1) for key in signs}, file)
    with pytest.raises(ModelMissing, match=rf"\({told}\).*vae.*https://huggingface.co/"):
        checkpoints.find("signs.safetensors", home)
    file.unlink()


@pytest.mark.parametrize("end", ["weight_scale", "scale_weight"])
def test_scaled_8_bit_floats_paint_what_they_stand_for(home, end):
    file, wide = alone(home, "flux", ".safetensors"), home.models_path / "checkpoints" / "wide"
    shutil.copytree(home.models_path / "checkpoints" / "flux", wide)
    whole = next((wide / "transformer").glob("*.safetensors"))
    tensors = load_file(whole)
    narrow: dict[str, Any] = {"scaled_fp8": torch.zeros(0)}
    for name, value in tensors.items():
        scale = value.abs().max() / 448
        narrow[name] = value
        if value.ndim == 2:
            narrow[name] = (value / scale).to(torch.float8_e4m3fn)
            narrow[f"{name.removesuffix('weight')}{end}"] = scale
            tensors[name] = narrow[name].float() * scale
    save_file(narrow, file)
    save_file(tensors, whole, {"format": "pt"})
    np.testing.assert_array_equal(painted(load(home, file.name)), painted(load(home, "wide")))
    shutil.rmtree(wide)
    shutil.rmtree(file.with_suffix(".parts"))
    file.unlink()


def test_weights_that_are_packed_otherwise_are_refused_by_their_kind(home):
    file = alone(home, "flux", ".safetensors")
    tensors = load_file(file)
    name = next(name for name in tensors if name.endswith("to_q.weight"))
    tensors[name] = tensors[name].to(torch.int8)
    tensors[name.replace(".weight", ".comfy_quant")] = torch.zeros(29, dtype=torch.uint8)
    save_file(tensors, file)
    with pytest.raises(NotSupported, match=r"to_q.weight holds I8.*16 bits"):
        checkpoints.find(file.name, home)
    shutil.rmtree(file.with_suffix(".parts"))
    file.unlink()


def changes(folder: Path) -> dict[str, Any]:
    """A LoRA on the attention of a toy's transformer, by peft's names."""
    rng, state = torch.Generator().manual_seed(0), {}
    tensors = load_file(next((folder / "transformer").glob("*.safetensors")))
    for name in [name for name in tensors if name.endswith(("to_q.weight", "to_v.weight"))]:
        layer, (out, within) = name.removesuffix(".weight"), tensors[name].shape
        state[f"transformer.{layer}.lora_A.weight"] = torch.randn(2, within, generator=rng)
        state[f"transformer.{layer}.lora_B.weight"] = torch.randn(out, 2, generator=rng)
    return state


@pytest.mark.parametrize("name", TOYS)
def test_a_lora_paints_as_in_diffusers_and_leaves_no_trace(home, name):
    folder = home.models_path / "checkpoints" / name
    save_file(changes(folder), home.models_path / "loras" / f"{name}.safetensors")
    found = checkpoints.find(name, home)
    worn = loras.choose([LoraWish(name=f"{name}.safetensors", weight=0.5, field="loras")], found, home, [])
    model = load(home, name)
    plain = painted(model)
    ours = painted(model, loras=worn)
    np.testing.assert_array_equal(painted(model), plain)
    assert (ours != plain).any()
    kind = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))["_class_name"]
    pipe = getattr(diffusers, kind).from_pretrained(folder)
    pipe.load_lora_weights(home.models_path / "loras" / f"{name}.safetensors", adapter_name="it")
    pipe.set_adapters(["it"], [0.5])
    model.pipeline, model.transformer = pipe, pipe.transformer
    model.adapters._worn = worn
    np.testing.assert_array_equal(painted(model, loras=worn), ours)


@pytest.mark.parametrize("name", ["flux", "z_image"])
def test_a_lokr_paints_as_weights_that_it_has_changed(home, name):
    other, rng = load(home, name), torch.Generator().manual_seed(1)
    state: dict[str, Any] = {}
    with torch.no_grad():
        for layer, module in other.transformer.named_modules():
            if layer.endswith((".to_q", ".to_v")):
                out, within = module.weight.shape
                first, second = torch.randn(2, 2, generator=rng), torch.randn(out // 2, within // 2, generator=rng)
                state |= {f"transformer.{layer}.lokr_w1": first, f"transformer.{layer}.lokr_w2": second}
                module.weight += 0.5 * torch.kron(first, second)
    save_file(state, home.models_path / "loras" / "lokr.safetensors")
    found = checkpoints.find(name, home)
    worn = loras.choose([LoraWish(name="lokr.safetensors", weight=0.5, field="loras")], found, home, [])
    model = load(home, name)
    plain, ours = painted(model), painted(model, loras=worn)
    assert np.abs(ours.astype(int) - plain).max() > 3
    assert np.abs(ours.astype(int) - painted(other)).max() <= 1
    np.testing.assert_array_equal(painted(model), plain)


def test_a_lora_for_another_architecture_is_refused(home):
    save_file(changes(home.models_path / "checkpoints" / "z_image"), home.models_path / "loras" / "z_image.safetensors")
    found = checkpoints.find("flux", home)
    with pytest.raises(InvalidValue, match="z_image"):
        loras.choose([LoraWish(name="z_image.safetensors", weight=1.0, field="loras")], found, home, [])
