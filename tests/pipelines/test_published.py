"""The published checkpoints' single files, tensor by tensor but without their weights, are told and load completely.

The counts are what others have published of them: diffusers' documentation (`num_parameters` of Stable Diffusion 1.5's
UNet), the model pages' "Model size", and headers that InvokeAI's tests keep (FLUX.1, FLUX.2 klein, Z-Image).
"""

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.loaders import single_file_model, single_file_utils
from diffusers.models import model_loading_utils

from configs.settings import Settings
from pipelines import checkpoints, kinds
from pipelines.families import Checkpoint
from pipelines.weights import Weights
from tests import published
from tests.published import SD1, SD2, SDXL, Tensors

FILES = dict(published.files())
VELOCITIES = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"

CLASSES = {
    "unet": "UNet2DConditionModel",
    "vae": "AutoencoderKL",
    "text_encoder": "CLIPTextModel",
    "text_encoder_2": "CLIPTextModelWithProjection",
    "text_encoder_3": "T5EncoderModel",
}
TRANSFORMERS = {
    "sd3": "SD3Transformer2DModel",
    "flux": "FluxTransformer2DModel",
    "flux2": "Flux2Transformer2DModel",
    "z_image": "ZImageTransformer2DModel",
    "qwen_image": "QwenImageTransformer2DModel",
}


def count(tensors: Tensors) -> int:
    return sum(math.prod(shape) for shape in tensors.values())


@pytest.mark.parametrize(
    ("tensors", "many", "numbers"),
    [
        (published.unet(**SD1), 686, 859_520_964),
        (published.unet(**SD2), 686, 865_910_724),
        (published.unet(**SDXL), 1680, 2_567_463_684),
        (published.vae(channels=4, quant=True), 248, 83_653_863),
        (published.clip(width=768, layers=12), 196, 123_060_480),
        (FILES["flux1-dev.safetensors"], 780, 11_901_408_320),
        (FILES["flux1-schnell.safetensors"], 776, 11_891_178_560),
        (FILES["flux2-dev.safetensors"], 299, 32_223_281_152),
        (FILES["flux-2-klein-4b.safetensors"], 149, 3_875_544_576),
        (FILES["flux-2-klein-base-9b.safetensors"], 201, 9_078_581_248),
        (FILES["z_image_turbo_bf16.safetensors"], 453, 6_154_908_736),
        (FILES["qwen_image_bf16.safetensors"], 1933, 20_430_401_088),
    ],
)
def test_the_layouts_have_the_published_counts(tensors, many, numbers):
    assert (len(tensors), count(tensors)) == (many, numbers)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """Models folders in which all that the files do not bring is there, though empty."""
    for name, told in kinds.table()["parts"].items():
        for part in told["needed"]:
            folder = tmp_path / "models" / "parts" / name / part
            ours = Path("configs/parts") / name / part
            folder.mkdir(parents=True)
            for file in ours.glob("*.json"):
                (folder / file.name).write_bytes(file.read_bytes())
            (folder / "model.safetensors").touch()
    (tmp_path / "models" / "checkpoints").mkdir()
    return Settings(models_path=tmp_path / "models", output_path=tmp_path / "out", device="cpu")


def write(file: Path, tensors: Tensors) -> None:
    """A safetensors file with holes where its values should be: it takes no room."""
    header, place, spread = {}, 0, None
    for name, shape in tensors.items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [place, place + size]}
        spread = (place, size) if name == VELOCITIES else spread
        place += size
    text = json.dumps(header).encode()
    with file.open("wb") as opened:
        opened.write(struct.pack("<Q", len(text)) + text)
        opened.truncate(8 + len(text) + place)
        if spread and file.name.startswith("v2-1_768"):
            opened.seek(8 + len(text) + spread[0])
            opened.write(torch.tensor([0.3, -0.3], dtype=torch.float16).repeat(spread[1] // 4).numpy().tobytes())


def kinds_of(found: Checkpoint) -> dict[str, Any]:
    """The classes of the parts that a checkpoint's file holds."""
    import diffusers
    import transformers

    names = CLASSES | {"transformer": TRANSFORMERS.get(found.family, "")}
    if found.family == "sd3":
        names["text_encoder"] = "CLIPTextModelWithProjection"
    if found.family == "flux":
        names["text_encoder_2"] = "T5EncoderModel"
    return {
        part: getattr(diffusers, names[part], None) or getattr(transformers, names[part]) for part in found.parts.held
    }


@pytest.mark.parametrize(
    ("name", "family", "kind", "side"),
    [
        ("v1-5-pruned-emaonly.safetensors", "stable_diffusion", "Stable Diffusion 1.x", 512),
        ("sd-v1-5-inpainting.safetensors", "stable_diffusion", "Stable Diffusion 1.x for inpainting", 512),
        ("v2-1_768-ema-pruned.safetensors", "stable_diffusion", "Stable Diffusion 2.x, 768", 768),
        ("512-inpainting-ema.safetensors", "stable_diffusion", "Stable Diffusion 2.x for inpainting", 512),
        ("sd_xl_base_1.0.safetensors", "sdxl", "SDXL", 1024),
        ("sd_xl_base_1.0_inpainting_0.1.safetensors", "sdxl", "SDXL for inpainting", 1024),
        ("sd3_medium_incl_clips_t5xxlfp16.safetensors", "sd3", "Stable Diffusion 3", 1024),
        ("sd3.5_medium.safetensors", "sd3", "Stable Diffusion 3.5 medium", 1024),
        ("sd3.5_large.safetensors", "sd3", "Stable Diffusion 3.5 large", 1024),
        ("flux1-dev.safetensors", "flux", "FLUX.1 dev", 1024),
        ("flux1-schnell.safetensors", "flux", "FLUX.1 schnell", 1024),
        ("flux1-fill-dev.safetensors", "flux", "FLUX.1 Fill", 1024),
        ("flux1-dev-fp8.safetensors", "flux", "FLUX.1 dev", 1024),
        ("flux2-dev.safetensors", "flux2", "FLUX.2 dev", 1024),
        ("flux-2-klein-4b.safetensors", "flux2", "FLUX.2 klein", 1024),
        ("flux-2-klein-base-9b.safetensors", "flux2", "FLUX.2 klein 9B", 1024),
        ("z_image_turbo_bf16.safetensors", "z_image", "Z-Image", 1024),
        ("qwen_image_bf16.safetensors", "qwen_image", "Qwen-Image", 1024),
    ],
)
def test_a_published_file_is_told_and_loads_completely(home, monkeypatch, name, family, kind, side):
    file = home.models_path / "checkpoints" / name
    write(file, FILES[name])
    if family == "qwen_image":  # its VAE's settings are not ours to ship
        vae = home.models_path / "parts" / family / "vae" / "config.json"
        vae.write_text(json.dumps({"temperal_downsample": [False, True, True]}))
    found = checkpoints.find(name, home)
    assert (found.family, found.kind, found.side) == (family, kind, side)
    state = {key: torch.empty(shape, dtype=torch.float32, device="meta") for key, shape in FILES[name].items()}
    monkeypatch.setattr(single_file_utils, "load_single_file_checkpoint", lambda path, **_: state)
    monkeypatch.setattr(model_loading_utils, "set_module_tensor_to_device", place)
    unused = unused_weights(monkeypatch)
    weights = Weights(found.parts, torch.float32)
    for part, which in kinds_of(found).items():  # each raises where a weight is missing or of another shape
        (weights.text_encoder if part.startswith("text") else weights.model)(part, which)
    assert unused == []


@pytest.mark.parametrize(
    ("name", "of", "channels", "quant"), [("sdxl_vae", "sdxl", 4, True), ("ae", "flux", 16, False)]
)
def test_a_published_vae_alone_loads_completely(monkeypatch, name, of, channels, quant):
    from diffusers import AutoencoderKL

    tensors = published.vae(channels=channels, quant=quant)
    state = {key: torch.empty(shape, device="meta") for key, shape in tensors.items()}
    monkeypatch.setattr(single_file_model, "load_single_file_checkpoint", lambda path, **_: state)
    monkeypatch.setattr(model_loading_utils, "set_module_tensor_to_device", place)
    unused = unused_weights(monkeypatch)
    made = AutoencoderKL.from_single_file(
        f"{name}.safetensors", config=f"configs/parts/{of}/vae", torch_dtype=torch.float32
    )
    assert not any(value.is_meta for value in made.state_dict().values())
    assert unused == []


def place(model: Any, name: str, device: Any, value: Any, **_: Any) -> None:
    """As accelerate's function of this name, for weights that are shapes alone: they take no memory."""
    *path, last = name.split(".")
    within = model.get_submodule(".".join(path))
    empty = torch.zeros(()).expand(value.shape)
    if last in within._buffers:
        within._buffers[last] = empty
    else:
        within._parameters[last] = torch.nn.Parameter(empty, requires_grad=False)


def unused_weights(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What diffusers finds in a file and has no place for, as it comes."""
    told: list[str] = []
    monkeypatch.setattr(single_file_model.logger, "warning", lambda text, *rest: told.append(str(text)))
    return told
