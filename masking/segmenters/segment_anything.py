"""Segment Anything's own checkpoints (`sam_vit_b_01ec64.pth` and its kin), run by the segment-anything package."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from configs.settings import Settings
from masking.errors import BrokenModel
from masking.prompting import Asked, answers
from masking.segmenters import Embedding, Guesses, Prompt
from masking.states import read_state
from masking.weights import known

PUBLISHED = re.compile(r"sam_(vit_[blh])_[0-9a-f]{6}")


class SegmentAnything:
    def known(self) -> Sequence[str]:
        return known("sam")

    def installed(self, roots: Sequence[Path]) -> dict[str, Path]:
        """The published files by "vit_b" and the like, all others by their stem."""
        files = [file for root in reversed(roots) for file in sorted((root / "sam").glob("*.pth"))]
        return {_name(file.stem): file for file in files if file.is_file() and not file.name.startswith(".")}

    def load(self, name: str, file: Path, settings: Settings, device: str) -> "Segmenter":
        state = read_state(file, blamed="sam_model")
        try:
            sam = _build(state)
            sam.load_state_dict(state)
        except (KeyError, RuntimeError, ValueError) as problem:
            raise BrokenModel(f"{file} is no checkpoint of Segment Anything: {problem}", field="sam_model") from problem
        return Segmenter(sam.to(device).eval())


class Segmenter:
    def __init__(self, sam: Any) -> None:
        self._sam = sam

    def embed(self, picture: Image.Image) -> Embedding:
        import numpy as np
        import torch
        from segment_anything.utils.transforms import ResizeLongestSide

        seen = ResizeLongestSide(self._sam.image_encoder.img_size).apply_image(np.asarray(picture))
        pixels = torch.as_tensor(seen, device=self._sam.device).permute(2, 0, 1).contiguous()[None]
        with torch.inference_mode():
            tensors = self._sam.image_encoder(self._sam.preprocess(pixels))
        height, width = seen.shape[:2]
        return Embedding(tensors=tensors, width=picture.width, height=picture.height, scaled=(height, width))

    def segment(self, embedding: Embedding, prompts: Sequence[Prompt], *, several: bool) -> Iterator[Guesses]:
        side = self._sam.image_encoder.img_size
        grid = self._sam.prompt_encoder.mask_input_size

        def decode(asked: Asked) -> tuple[Any, Any]:
            points = None if asked.points is None else (asked.points, asked.labels)
            sparse, dense = self._sam.prompt_encoder(points=points, boxes=asked.boxes, masks=asked.earlier)
            return self._sam.mask_decoder(
                image_embeddings=embedding.tensors,
                image_pe=self._sam.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
            )

        def enlarge(logits: Any) -> Any:
            return self._sam.postprocess_masks(logits, embedding.scaled, (embedding.height, embedding.width))

        return answers(
            prompts, embedding, decode, enlarge, canvas=(side, side), grid=grid, device=str(self._sam.device)
        )


def _name(stem: str) -> str:
    published = PUBLISHED.fullmatch(stem)
    return published[1] if published else stem


def _build(state: Mapping[str, Any]) -> Any:
    """The package's model in the sizes of the state; raises KeyError where that is no Segment Anything's."""
    from functools import partial

    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    _, cells, _, width = state["image_encoder.pos_embed"].shape
    patch = state["image_encoder.patch_embed.proj.weight"].shape[-1]
    depth = len({key.split(".")[2] for key in state if key.startswith("image_encoder.blocks.")})
    reaches = [(state[f"image_encoder.blocks.{i}.attn.rel_pos_h"].shape[0] + 1) // 2 for i in range(depth)]
    prompt = state["mask_decoder.iou_token.weight"].shape[1]
    encoder = ImageEncoderViT(
        depth=depth,
        embed_dim=width,
        img_size=cells * patch,
        mlp_ratio=state["image_encoder.blocks.0.mlp.lin1.weight"].shape[0] / width,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        num_heads=width // state["image_encoder.blocks.0.attn.rel_pos_h"].shape[1],
        patch_size=patch,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=[i for i, reach in enumerate(reaches) if reach == cells],
        window_size=min(reaches),
        out_chans=prompt,
    )
    transformer = TwoWayTransformer(
        depth=len({key.split(".")[3] for key in state if key.startswith("mask_decoder.transformer.layers.")}),
        embedding_dim=prompt,
        mlp_dim=state["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0],
        num_heads=8,
    )
    return Sam(
        image_encoder=encoder,
        prompt_encoder=PromptEncoder(
            embed_dim=prompt,
            image_embedding_size=(cells, cells),
            input_image_size=(cells * patch, cells * patch),
            mask_in_chans=state["prompt_encoder.mask_downscaling.3.weight"].shape[0],
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=state["mask_decoder.mask_tokens.weight"].shape[0] - 1,
            transformer=transformer,
            transformer_dim=prompt,
            iou_head_depth=len({key for key in state if key.startswith("mask_decoder.iou_prediction_head.layers.")})
            // 2,
            iou_head_hidden_dim=state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0],
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    )


library = SegmentAnything()
