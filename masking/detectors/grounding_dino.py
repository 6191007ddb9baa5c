"""GroundingDINO in transformers' format: any folder `models/grounding_dino/<name>` whose config says that it is one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.settings import Settings
from masking import folders
from masking.detectors import Found
from masking.errors import InvalidValue
from masking.phrases import Reading, caption, choose
from masking.pictures import Picture
from masking.remembering import Remembering

KINDS = {
    "grounding-dino": "GroundingDinoForObjectDetection",
    "mm-grounding-dino": "MMGroundingDinoForObjectDetection",
}


class GroundingDino:
    def known(self) -> Sequence[str]:
        return ()

    def installed(self, roots: Sequence[Path]) -> dict[str, Path]:
        return folders.installed("grounding_dino", roots, KINDS)

    def load(self, name: str, file: Path, settings: Settings, device: str) -> "Detector":
        model, processor = folders.load(file, KINDS, "AutoProcessor", device, blamed="dino_model")
        return Detector(model, processor)


class Detector:
    def __init__(self, model: Any, processor: Any) -> None:
        self._model, self._processor = model, processor
        self._backbone = Remembering(model.model.backbone)

    def find(
        self, picture: Picture, phrases: Sequence[str], *, box_threshold: float, text_threshold: float
    ) -> list[Found]:
        import torch

        image = picture.roomy
        inputs = self._processor(images=image, text=caption(phrases), return_tensors="pt").to(self._model.device)
        tokens = self._processor.tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
        refuse_too_long(len(tokens), self._model.config.max_text_len)
        self._backbone.key = picture.key
        with torch.inference_mode():
            told = self._model(**inputs)
        reading = Reading(
            shares=told.logits[0].float().sigmoid().cpu().numpy(),
            boxes=told.pred_boxes[0].float().cpu().numpy(),
            tokens=tokens,
        )
        return choose(reading, phrases, image.size, box_threshold=box_threshold, text_threshold=text_threshold)


def refuse_too_long(tokens: int, most: int) -> None:
    """Raises InvalidValue for a caption of which the detector would not read the end."""
    if tokens > most:
        raise InvalidValue(
            f"dino_prompt_text is too long: {tokens} tokens, and the detector reads {most}. Ask for fewer things.",
            field="dino_prompt_text",
        )


library = GroundingDino()
