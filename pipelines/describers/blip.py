"""BLIP captioners in transformers' format (BlipForConditionalGeneration with its processor)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from masking import folders
from masking.errors import BrokenModel
from pipelines.describers import Kind

if TYPE_CHECKING:
    from pipelines.studio import Studio

LONGEST = 40
"""Words (tokens) of a sentence."""


class Blip:
    kind: Kind = "Photo"

    def holds(self, folder: Path) -> bool:
        return folders.kind_of(folder) == "blip"

    def load(self, folder: Path, studio: "Studio") -> "Captioner":
        import torch
        from transformers import BlipForConditionalGeneration, BlipProcessor

        try:
            processor = BlipProcessor.from_pretrained(folder, local_files_only=True)
            model, told = BlipForConditionalGeneration.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
            )
        except Exception as problem:  # safetensors, pickle, tokenizers and transformers each have their own
            raise BrokenModel(
                f"The captioner {folder.name!r} does not load: {problem}", field="image_type"
            ) from problem
        if told["missing_keys"]:
            some = ", ".join(sorted(told["missing_keys"])[:3])
            raise BrokenModel(f"The captioner {folder.name!r} lacks weights: {some}.", field="image_type")
        return Captioner(model.to(studio.device).eval(), processor, studio.device)


class Captioner:
    def __init__(self, model: Any, processor: Any, device: str) -> None:
        self._model, self._processor, self._device = model, processor, device

    def describe(self, picture: Image.Image) -> str:
        """The likeliest sentence of three beams; nothing is drawn at random."""
        given = self._processor(images=picture, return_tensors="pt").to(self._device)
        written = self._model.generate(**given, max_new_tokens=LONGEST, num_beams=3, do_sample=False)
        text: str = self._processor.decode(written[0], skip_special_tokens=True)
        return text.strip()


library = Blip()
