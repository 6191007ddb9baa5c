"""SAM, SAM-HQ, SAM 2 and SAM 3's tracker in transformers' format: any folder `models/sam/<name>` that holds one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from configs.settings import Settings
from masking import folders
from masking.prompting import Asked, answers
from masking.segmenters import Embedding, Guesses, Prompt

KINDS = {
    "sam": "SamModel",
    "sam_hq": "SamHQModel",
    "sam2": "Sam2Model",
    "sam2_video": "Sam2Model",
    "sam3_tracker": "Sam3TrackerModel",
    "sam3_tracker_video": "Sam3TrackerModel",
    "sam3_video": "Sam3TrackerModel",
}
RENAMED = {"sam3_video": {r"^tracker_model\.": ""}}
"""By kind: transformers 5.23 means to drop this prefix itself, and does not."""


class Sam:
    def known(self) -> Sequence[str]:
        return ()

    def installed(self, roots: Sequence[Path]) -> dict[str, Path]:
        return folders.installed("sam", roots, KINDS)

    def load(self, name: str, file: Path, settings: Settings, device: str) -> "Segmenter":
        renamed = RENAMED.get(folders.kind_of(file))
        return Segmenter(*folders.load(file, KINDS, "AutoImageProcessor", device, blamed="sam_model", renamed=renamed))


class Segmenter:
    def __init__(self, model: Any, processor: Any) -> None:
        self._model, self._processor = model, processor

    def embed(self, picture: Image.Image) -> Embedding:
        import torch

        inputs = self._processor(picture, return_tensors="pt")
        pixels = inputs["pixel_values"].to(self._model.device)
        with torch.inference_mode():
            tensors = self._model.get_image_embeddings(pixels)
        # SAM 1 keeps the picture's shape and fills up with nothing; the later ones stretch it.
        scaled = inputs["reshaped_input_sizes"][0].tolist() if "reshaped_input_sizes" in inputs else pixels.shape[-2:]
        return Embedding(
            tensors=tensors, width=picture.width, height=picture.height, scaled=(int(scaled[0]), int(scaled[1]))
        )

    def segment(self, embedding: Embedding, prompts: Sequence[Prompt], *, several: bool) -> Iterator[Guesses]:
        told = self._model.config.prompt_encoder_config
        canvas, patch = _pair(told.image_size), _pair(told.patch_size)
        grid = (4 * (canvas[0] // patch[0]), 4 * (canvas[1] // patch[1]))
        known = {"image_embeddings": embedding.tensors}
        if isinstance(embedding.tensors, tuple):  # SAM-HQ also looks at what its encoder had half-way
            known = {"image_embeddings": embedding.tensors[0], "intermediate_embeddings": embedding.tensors[1]}

        def decode(asked: Asked) -> tuple[Any, Any]:
            told = self._model(
                **known,
                input_points=None if asked.points is None else asked.points[None],
                input_labels=None if asked.labels is None else asked.labels[None],
                input_boxes=None if asked.boxes is None else asked.boxes[None],
                input_masks=asked.earlier,
                multimask_output=several,
            )
            return told.pred_masks[0], told.iou_scores[0]

        def enlarge(logits: Any) -> Any:
            sizes = {"original_sizes": [(embedding.height, embedding.width)]}
            sizes |= {"reshaped_input_sizes": [embedding.scaled]}
            return self._processor.post_process_masks([logits], binarize=False, **sizes)[0]

        device = str(self._model.device)
        return answers(prompts, embedding, decode, enlarge, canvas=canvas, grid=grid, device=device)


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width of what a config tells, where one number stands for both."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])


library = Sam()
