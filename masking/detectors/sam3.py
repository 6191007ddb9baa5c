"""SAM 3 in transformers' format, any folder `models/sam/<name>` that holds it: words to boxes, with their masks."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from configs.settings import Settings
from masking import folders
from masking.detectors import Found
from masking.detectors.grounding_dino import refuse_too_long
from masking.pictures import Picture, Recent

KINDS = {"sam3": "Sam3Model", "sam3_video": "Sam3Model"}
PICTURES = 2
"""Whose features are kept."""


class Sam3:
    def known(self) -> Sequence[str]:
        return ()

    def installed(self, roots: Sequence[Path]) -> dict[str, Path]:
        return folders.installed("sam", roots, KINDS)

    def load(self, name: str, file: Path, settings: Settings, device: str) -> "Detector":
        return Detector(*folders.load(file, KINDS, "Sam3Processor", device, blamed="dino_model"))


class Detector:
    def __init__(self, model: Any, processor: Any) -> None:
        self._model, self._processor = model, processor
        self._features = Recent(PICTURES)

    def find(
        self, picture: Picture, phrases: Sequence[str], *, box_threshold: float, text_threshold: float
    ) -> list[Found]:
        import torch

        with torch.inference_mode():
            seen = self._features.get(picture.key, lambda: self._look(picture))
            return [found for phrase in phrases for found in self._answers(seen, phrase, picture, box_threshold)]

    def _look(self, picture: Picture) -> Any:
        pixels = self._processor(images=picture.roomy, return_tensors="pt")["pixel_values"]
        return self._model.get_vision_features(pixel_values=pixels.to(self._model.device))

    def _answers(self, seen: Any, phrase: str, picture: Picture, threshold: float) -> Iterator[Found]:
        """As the processor's own `post_process_instance_segmentation`, but one mask at a time in memory."""
        from torch.nn.functional import interpolate

        words = self._processor(text=phrase, return_tensors="pt").to(self._model.device)
        refuse_too_long(words["input_ids"].shape[1], self._model.config.text_config.max_position_embeddings)
        told = self._model(vision_embeds=seen, **words)
        scores = told.pred_logits[0].sigmoid()
        if told.presence_logits is not None:
            scores = scores * told.presence_logits[0].sigmoid()
        width, height = picture.room
        for query in (scores > threshold).nonzero().flatten().tolist():
            share = interpolate(told.pred_masks[0, query].sigmoid()[None, None], (height, width), mode="bilinear")
            left, top, right, bottom = told.pred_boxes[0, query].tolist()
            yield Found(
                box=(left * width, top * height, right * width, bottom * height),
                score=float(scores[query]),
                phrase=phrase,
                mask=(share[0, 0] > 0.5).cpu().numpy()[: picture.height, : picture.width],
            )


library = Sam3()
