"""GroundingDINO in transformers' format: any folder `models/grounding_dino/<name>` whose config says that it is one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.settings import Settings
from masking import folders
from masking.detectors import Found
from masking.errors import InvalidValue
from masking.phrases import Reading, caption, choose
from masking.pictures import Picture, Recent
from masking.remembering import MOST, Remembering

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
        self._seen = Recent(MOST)

    def find(
        self, picture: Picture, phrases: Sequence[str], *, box_threshold: float, text_threshold: float
    ) -> list[Found]:
        import torch

        tokenizer, device = self._processor.tokenizer, self._model.device
        asked = tokenizer(caption(phrases), return_tensors="pt").to(device)
        tokens = tokenizer.convert_ids_to_tokens(asked["input_ids"][0])
        refuse_too_long(len(tokens), self._model.config.max_text_len)
        self._backbone.key = picture.key
        seen = self._seen.get(
            picture.key, lambda: self._processor.image_processor(picture.roomy, return_tensors="pt").to(device)
        )
        with torch.inference_mode():
            told = self._model(**seen, **asked)
        reading = Reading(
            shares=told.logits[0].float().sigmoid().cpu().numpy(),
            boxes=told.pred_boxes[0].float().cpu().numpy(),
            tokens=tokens,
        )
        return choose(reading, phrases, picture.room, box_threshold=box_threshold, text_threshold=text_threshold)


def refuse_too_long(tokens: int, most: int) -> None:
    """Raises InvalidValue for a caption of which the detector would not read the end."""
    if tokens > most:
        raise InvalidValue(
            f"dino_prompt_text is too long: {tokens} tokens, and the detector reads {most}. Ask for fewer things.",
            field="dino_prompt_text",
        )


library = GroundingDino()
