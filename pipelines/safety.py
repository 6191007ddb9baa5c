"""Whether a picture may be shown: Stable Diffusion's safety checker, from `models/safety_checker`.

A folder in diffusers' format, or the file that Fooocus fetches: the weights alone, from whose shapes its sizes are read
(CLIP's attention heads are 64 wide in every size).
"""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from configs.settings import Settings
from masking.errors import BrokenModel
from masking.states import read_state
from pipelines import companions

HEAD = 64
IN_FOLDERS = ("model.safetensors", "pytorch_model.bin")
FIELD = "black_out_nsfw"


class Checker:
    """A safety checker at work on a device."""

    def __init__(self, model: Any, processor: Any, device: str) -> None:
        self._model, self._processor, self._device = model, processor, device

    def passes(self, picture: Image.Image) -> bool:
        """Whether nothing was found in an RGB picture that shall not be shown."""
        given = self._processor(images=picture, return_tensors="pt").pixel_values.to(self._device)
        found: list[bool] = self._model(clip_input=given, images=[np.zeros((1, 1, 3))])[1]
        return not found[0]


def installed(settings: Settings) -> Path:
    """The safety checker that is there; a folder comes before a file. Raises BrokenModel where there is none."""
    places = companions.installed("safety_checker", settings).values()
    if not places:
        raise BrokenModel("The safety checker's weights are not there any more.", field=FIELD)
    return next((path for path in places if path.is_dir()), next(iter(places)))


def load(place: Path, device: str) -> Checker:
    """The safety checker of a folder or file. Raises BrokenModel."""
    import diffusers
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPImageProcessor

    diffusers.utils.logging.get_logger(StableDiffusionSafetyChecker.__module__).setLevel("ERROR")
    try:
        model = _model(place)
        side = model.config.vision_config.image_size
        if (place / "preprocessor_config.json").is_file():
            processor = CLIPImageProcessor.from_pretrained(place, local_files_only=True)
        else:
            processor = CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    except Exception as problem:  # safetensors, pickle and transformers each have their own
        raise BrokenModel(f"The safety checker {place.name} does not load: {problem}", field=FIELD) from problem
    return Checker(model.to(device).eval(), processor, device)


def _model(place: Path) -> Any:
    """The model of a folder or file, in 32 bits. Raises ValueError, and what the libraries raise."""
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    file = place
    if place.is_dir():
        file = next((path for name in IN_FOLDERS if (path := place / name).is_file()), place / IN_FOLDERS[0])
    state = {_now_called(name): tensor.float() for name, tensor in _tensors(file).items() if "position_ids" not in name}
    config = CLIPConfig.from_pretrained(place, local_files_only=True) if place.is_dir() else _config(state)
    model = StableDiffusionSafetyChecker(config)
    lacking = sorted(model.load_state_dict(state, strict=False).missing_keys)
    if lacking:
        raise ValueError(f"it lacks {len(lacking)} tensors, {lacking[0]} among them")
    return model


def _tensors(place: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(place) if place.suffix.lower() == ".safetensors" else read_state(place, blamed=FIELD)


def _now_called(name: str) -> str:
    """The name that transformers 5 has for a tensor: it lost one of two levels of the same name."""
    return name.replace("vision_model.vision_model.", "vision_model.")


def _config(state: dict[str, Any]) -> Any:
    """The sizes that a file's tensors tell of. Raises KeyError for a tensor that is not there."""
    from transformers import CLIPConfig

    width, _, patch, _ = state["vision_model.embeddings.patch_embedding.weight"].shape
    patches = state["vision_model.embeddings.position_embedding.weight"].shape[0] - 1
    layers = {name.split(".")[3] for name in state if name.startswith("vision_model.encoder.layers.")}
    vision = {
        "hidden_size": width,
        "intermediate_size": state["vision_model.encoder.layers.0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(1, width // HEAD),
        "patch_size": patch,
        "image_size": round(patches**0.5) * patch,
    }
    return CLIPConfig(vision_config=vision, projection_dim=state["visual_projection.weight"].shape[0])
