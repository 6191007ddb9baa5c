"""GroundingDINO's own checkpoints (`groundingdino_swint_ogc.pth` and its kin), run by groundingdino-py."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from PIL import Image

from configs.models import download_command, model_folders
from configs.settings import Settings
from masking.detectors import Found
from masking.detectors.grounding_dino import refuse_too_long
from masking.errors import BrokenModel, ModelMissing
from masking.phrases import Reading, caption, choose
from masking.pictures import Picture, Recent
from masking.remembering import MOST, Remembering
from masking.states import read_state
from masking.weights import known

FOLDERS = ("grounding_dino", "inpaint")
"""Ours, and the one where Fooocus keeps it."""
VOCABULARY = "bert-base-uncased/vocab.txt"
SWINS = {96: "swin_T_224_1k", 128: "swin_B_384_22k", 192: "swin_L_384_22k"}
"""Backbones by the width of their first layer, as the published weights have them."""

_building = threading.Lock()


class GroundingDinoOriginal:
    def known(self) -> Sequence[str]:
        return known("grounding_dino")

    def installed(self, roots: Sequence[Path]) -> dict[str, Path]:
        places = [(root / folder).glob("*.pth") for root in reversed(roots) for folder in reversed(FOLDERS)]
        files = (file for place in places for file in sorted(place))
        return {file.stem: file for file in files if file.stem.startswith("groundingdino") and file.is_file()}

    def load(self, name: str, file: Path, settings: Settings, device: str) -> "Detector":
        state = read_state(file, blamed="dino_model")
        vocabulary = _vocabulary(settings)
        try:
            model = _build(state, vocabulary)
            told = model.load_state_dict(state, strict=False)
        except (KeyError, RuntimeError, IndexError, AttributeError) as problem:
            raise BrokenModel(f"{file} is no checkpoint of GroundingDINO: {problem}", field="dino_model") from problem
        if told.missing_keys:
            raise BrokenModel(f"{file} is not whole: {told.missing_keys[0]} is missing.", field="dino_model")
        return Detector(model.to(device).eval(), device)


class Detector:
    def __init__(self, model: Any, device: str) -> None:
        self._model, self._device = model, device
        self._backbone = Remembering(model.backbone)
        self._seen = Recent(MOST)

    def find(
        self, picture: Picture, phrases: Sequence[str], *, box_threshold: float, text_threshold: float
    ) -> list[Found]:
        import torch

        tokenizer = self._model.tokenizer
        tokens = tokenizer.convert_ids_to_tokens(tokenizer(caption(phrases))["input_ids"])
        refuse_too_long(len(tokens), self._model.max_text_len)
        self._backbone.key = picture.key
        seen = self._seen.get(picture.key, lambda: _seen(picture.roomy).to(self._device)[None])
        with torch.inference_mode():
            told = self._model(seen, captions=[caption(phrases)])
        reading = Reading(
            shares=told["pred_logits"][0].sigmoid().cpu().numpy(),
            boxes=told["pred_boxes"][0].cpu().numpy(),
            tokens=tokens,
        )
        return choose(reading, phrases, picture.room, box_threshold=box_threshold, text_threshold=text_threshold)


def _seen(image: Image.Image) -> Any:
    """As the package's own demonstration reads a picture: 3 × height × width."""
    import groundingdino.datasets.transforms as T

    steps = [
        T.RandomResize([800], max_size=1333),
        T.ToTensor(),
        T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
    return T.Compose(steps)(image, None)[0]


def _vocabulary(settings: Settings) -> Path:
    for root in model_folders(settings):
        if (place := root / "grounding_dino" / VOCABULARY).is_file():
            return place
    raise ModelMissing(
        "GroundingDINO's own checkpoints need the vocabulary of BERT. "
        f"Fetch it with: {download_command(VOCABULARY, settings)}",
        field="dino_model",
    )


def _build(state: Mapping[str, Any], vocabulary: Path) -> Any:
    """The package's model in the sizes of the state; raises KeyError where that is no GroundingDINO's."""
    from groundingdino.models import build_model
    from transformers import BertConfig, BertModel, BertTokenizer

    width = state["bert.embeddings.word_embeddings.weight"].shape[1]
    bert = BertConfig(
        vocab_size=state["bert.embeddings.word_embeddings.weight"].shape[0],
        hidden_size=width,
        num_hidden_layers=_layers(state, "bert.encoder.layer."),
        num_attention_heads=max(1, width // 64),
        intermediate_size=state["bert.encoder.layer.0.intermediate.dense.weight"].shape[0],
        max_position_embeddings=state["bert.embeddings.position_embeddings.weight"].shape[0],
    )
    tokenizer = BertTokenizer(vocab=str(vocabulary), do_lower_case=True)
    with _outside_shim(tokenizer, BertModel(bert)):
        return build_model(_configuration(state))


def _layers(state: Mapping[str, Any], before: str) -> int:
    return 1 + max(int(key[len(before) :].split(".")[0]) for key in state if key.startswith(before))


def _configuration(state: Mapping[str, Any]) -> SimpleNamespace:
    """The package's own GroundingDINO_SwinT_OGC, with the sizes that the state has."""
    from groundingdino.config import GroundingDINO_SwinT_OGC as published

    told = {name: value for name, value in vars(published).items() if not name.startswith("_")}
    hidden = state["feat_map.weight"].shape[0]
    told |= {
        "backbone": SWINS[state["backbone.0.patch_embed.proj.weight"].shape[0]],
        "enc_layers": _layers(state, "transformer.encoder.layers."),
        "dec_layers": _layers(state, "transformer.decoder.layers."),
        "hidden_dim": hidden,
        "nheads": max(1, hidden // 32),
        "dim_feedforward": state["transformer.encoder.layers.0.linear1.weight"].shape[0],
        "num_queries": state["transformer.tgt_embed.weight"].shape[0],
        "use_checkpoint": False,
        "use_transformer_ckpt": False,
        "text_encoder_type": "",
    }
    return SimpleNamespace(**told)


@contextmanager
def _outside_shim(tokenizer: Any, bert: Any) -> Iterator[None]:
    """Let the package build its text encoder from what is given instead of the hub, and on transformers 5.

    Its own wrapper of BERT copies three methods that are gone; what it is for, a mask for each pair of tokens, BERT
    takes by itself once that mask has its four dimensions.
    """
    from groundingdino.models.GroundingDINO import groundingdino

    with (
        _building,
        mock.patch.object(groundingdino, "BertModelWarper", _with_paired_mask),
        mock.patch.object(groundingdino.get_tokenlizer, "get_tokenlizer", return_value=tokenizer),
        mock.patch.object(groundingdino.get_tokenlizer, "get_pretrained_language_model", return_value=bert),
    ):
        yield


def _with_paired_mask(bert_model: Any) -> Any:
    """The BERT itself, which from now on takes an attention mask of batch × token × token."""
    import torch

    def turn(module: Any, inputs: tuple[Any, ...], given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        mask, dtype = given["attention_mask"], module.dtype
        if mask.dim() == 3:
            turned = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
            turned.masked_fill_(~mask.bool(), torch.finfo(dtype).min)
            given = {**given, "attention_mask": turned[:, None]}
        return inputs, given

    bert_model.register_forward_pre_hook(turn, with_kwargs=True)
    return bert_model


library = GroundingDinoOriginal()
