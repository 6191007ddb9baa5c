"""Masks over HTTP equal, pixel by pixel, what a plain script gets from the packages directly."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tests import toy_detectors
from tests.server.masks_zoo import BOXES, bits, detailed, opened, photograph, posted, tidied, zoo
from tests.server.running import Running
from tests.toy_masks import cloth_finder, red_finder

__all__ = ["zoo"]

KINDS = {"vit_b": "", "gesso-sam": "Sam", "high-quality": "SamHQ", "second": "Sam2", "third": "Sam3Tracker"}


@pytest.mark.parametrize("name", KINDS)
def test_boxes_give_the_masks_of_the_package_itself(server: Running, zoo: Path, name: str) -> None:
    seen = []
    for photo in ("chelsea.png", "coffee.png"):
        picture = photograph(photo)
        of_original = name == "vit_b"
        plain = _original_boxes(zoo, picture) if of_original else _transformers_boxes(zoo / "sam" / name, name, picture)
        told = detailed(server, picture, mask_model="sam", sam_model=name, boxes=BOXES)
        assert told["models"] == {"mask_model": "sam", "sam_model": name}
        seen.append(_the_same_masks(told, plain))
    assert (seen[0] != seen[1]).any()


def _the_same_masks(told: dict[str, Any], plain: NDArray[np.bool_], *, apart: int = 0) -> NDArray[np.bool_]:
    """Every object's mask is the plain script's, and the whole mask their union, which is given back.

    apart: so many pixels of each may be on the other side of their mask's edge.
    """
    for one, mask in zip(told["objects"], plain, strict=True):
        assert (bits(one["mask"]) != tidied(mask)).sum() <= apart
    union: NDArray[np.bool_] = np.logical_or.reduce([tidied(mask) for mask in plain])
    assert (bits(told["mask"]) != union).sum() <= apart
    assert 0 < union.mean() < 1
    return union


def _original_boxes(zoo: Path, picture: Image.Image) -> NDArray[np.bool_]:
    from segment_anything import SamPredictor

    from masking.segmenters import shelf

    predictor = SamPredictor(shelf.load("vit_b", _settings(zoo))._sam)  # type: ignore[attr-defined]
    predictor.set_image(np.asarray(picture))
    boxes = predictor.transform.apply_boxes_torch(torch.tensor(BOXES), (picture.height, picture.width))
    masks, _, _ = predictor.predict_torch(None, None, boxes, multimask_output=False)
    return masks[:, 0].numpy()


def _transformers_boxes(
    folder: Path, name: str, picture: Image.Image, boxes: list[list[float]] = BOXES
) -> NDArray[np.bool_]:
    import transformers

    of_sam_3 = {"key_mapping": {r"^tracker_model\.": ""}} if name == "third" else {}
    model = getattr(transformers, f"{KINDS[name]}Model").from_pretrained(folder, **of_sam_3)
    kind = getattr(transformers, f"{KINDS[name]}Processor")
    seen = transformers.AutoImageProcessor.from_pretrained(folder)
    processor = kind(image_processor=seen)
    inputs = processor(images=picture, input_boxes=[boxes], return_tensors="pt")
    with torch.no_grad():
        told = model(**inputs, multimask_output=False)
    sizes = [inputs["original_sizes"]] + [inputs[key] for key in ("reshaped_input_sizes",) if key in inputs]
    masks: NDArray[np.bool_] = seen.post_process_masks(told.pred_masks, *sizes)[0][:, 0].numpy()
    return masks


def _settings(zoo: Path) -> Any:
    from configs.settings import Settings

    return Settings(models_path=zoo, device="cpu", threads=1)


def test_clicks_and_an_earlier_mask_give_the_masks_of_segment_anything_itself(server: Running, zoo: Path) -> None:
    from segment_anything import SamPredictor

    from masking.segmenters import shelf

    picture = photograph("astronaut.png", 160, 160)
    predictor = SamPredictor(shelf.load("vit_b", _settings(zoo))._sam)  # type: ignore[attr-defined]
    predictor.set_image(np.asarray(picture))
    points, labels = [[80.0, 40.0], [20.0, 150.0]], [1, 0]
    known = {"point_coords": np.asarray(points), "point_labels": np.asarray(labels)}
    asked = {"sam_model": "vit_b", "points": points, "labels": labels}
    three, scores, low = predictor.predict(**known)
    told = detailed(server, picture, multimask=True, **asked)
    best = int(scores.argmax())
    np.testing.assert_array_equal(bits(told["mask"]), tidied(three[best]))
    for one, mask, score in zip(told["objects"][0]["candidates"], three, scores, strict=True):
        np.testing.assert_array_equal(bits(one["mask"]), tidied(mask))
        assert one["score"] == pytest.approx(float(score), abs=1e-4)
    earlier = np.zeros((160, 160), np.uint8)
    earlier[:80] = 255
    grid = np.full(low.shape[-2:], -10.0, np.float32)
    grid[: grid.shape[0] // 2] = 10
    again, _, _ = predictor.predict(**known, mask_input=grid[None], multimask_output=False)
    told = detailed(server, picture, mask_input=_text(Image.fromarray(earlier)), **asked)
    assert (bits(told["mask"]) == tidied(again[0])).mean() > 0.98, "but for the row where the halves meet"


def _text(picture: Image.Image) -> str:
    from tests.server.running import as_text

    return as_text(picture)


def test_words_give_the_boxes_of_transformers_itself(server: Running, zoo: Path) -> None:
    seen = []
    for photo in ("chelsea.png", "coffee.png"):
        picture = photograph(photo)
        wanted = _transformers_words(zoo / "grounding_dino" / "gesso-dino", picture)
        answer = detailed(server, picture, dino_prompt_text="Red cat, car", box_threshold=0.6, dino_debug=True)
        np.testing.assert_allclose([one["box"] for one in answer["objects"]], wanted, atol=0.01)
        assert wanted, "the toy must find something, or nothing is compared"
        seen.append(wanted)
    assert seen[0] != seen[1]


def test_words_give_the_masks_that_both_packages_give_one_after_the_other(server: Running, zoo: Path) -> None:
    seen = []
    for photo in ("chelsea.png", "coffee.png"):
        picture = photograph(photo)
        boxes = _transformers_words(zoo / "grounding_dino" / "gesso-dino", picture)
        plain = _transformers_boxes(zoo / "sam" / "gesso-sam", "gesso-sam", picture, boxes)
        answer = detailed(server, picture, dino_prompt_text="Red cat, car", box_threshold=0.6)
        assert answer["models"] == {"mask_model": "sam", "sam_model": "gesso-sam", "dino_model": "gesso-dino"}
        # Two processes have weights at other places in memory, and by that some processors round a box's last bit.
        seen.append(_the_same_masks(answer, plain, apart=2))
    assert (seen[0] != seen[1]).any()


def _transformers_words(folder: Path, picture: Image.Image) -> list[list[float]]:
    """The boxes, best first, of "red cat" and "car" in a picture of 200 × 150 px, as transformers has them."""
    from torchvision.ops import nms
    from transformers import GroundingDinoForObjectDetection, GroundingDinoProcessor

    model = GroundingDinoForObjectDetection.from_pretrained(folder)
    processor = GroundingDinoProcessor.from_pretrained(folder)
    inputs = processor(images=picture, text="red cat. car.", return_tensors="pt")
    with torch.no_grad():
        told = model(**inputs)
    size = [(picture.height, picture.width)]
    plain = processor.post_process_grounded_object_detection(told, inputs["input_ids"], 0.6, 0.25, size)[0]
    kept = nms(plain["boxes"], plain["scores"], 0.7)
    boxes = torch.minimum(plain["boxes"][kept].clamp(min=0), torch.tensor([200.0, 150.0, 200.0, 150.0]))
    return [box for box in boxes.tolist() if box[0] < box[2] and box[1] < box[3]]


def test_words_give_the_masks_of_sam_3_itself(server: Running, zoo: Path) -> None:
    from torchvision.ops import nms
    from transformers import Sam3Model, Sam3Processor

    model, processor = (kind.from_pretrained(zoo / "sam" / "third") for kind in (Sam3Model, Sam3Processor))
    seen = []
    for photo in ("chelsea.png", "coffee.png"):
        picture = photograph(photo)
        inputs = processor(images=picture, text="red cat", return_tensors="pt")
        with torch.no_grad():
            told = model(**inputs)
        scores = told.pred_logits[0].sigmoid() * told.presence_logits[0].sigmoid()
        threshold = round(float(scores.median()), 3)
        plain = processor.post_process_instance_segmentation(told, threshold, 0.5, [(150, 200)])[0]
        kept = nms(plain["boxes"], plain["scores"], 0.7)
        wanted = np.logical_or.reduce([tidied(mask.bool().numpy()) for mask in plain["masks"][kept]])
        answer = detailed(server, picture, sam_model="third", dino_prompt_text="Red cat", box_threshold=threshold)
        assert [one["score"] for one in answer["objects"]] == pytest.approx(plain["scores"][kept].tolist(), abs=1e-4)
        np.testing.assert_array_equal(bits(answer["mask"]), wanted)
        seen.append(wanted)
    assert (seen[0] != seen[1]).any()
    too_long = posted(server, picture, sam_model="third", dino_prompt_text="x" * 40)
    assert (too_long.status_code, too_long.json()["detail"][0]["loc"][-1]) == (422, "dino_prompt_text")


@pytest.mark.contract("11/sam-path")
@pytest.mark.filterwarnings("ignore")
def test_the_original_grounding_dino_finds_what_its_own_package_finds(server: Running, zoo: Path) -> None:
    toy_detectors.original_grounding_dino(zoo / "grounding_dino" / "groundingdino_swint_ogc.pth")
    asked = {"dino_model": "groundingdino_swint_ogc", "dino_prompt_text": "red cat . car", "dino_debug": True}
    seen = []
    for photo in ("chelsea.png", "coffee.png"):
        picture = photograph(photo, 451, 300).crop((0, 100, 451, 140))  # a strip, for it is seen 1333 pixels wide
        told = detailed(server, picture, **asked)
        boxes, scores = _original_words(zoo, picture, "red cat . car")
        order = scores.argsort(descending=True)
        limits = torch.tensor([451.0, 40.0, 451.0, 40.0])
        wanted = torch.minimum(boxes[order].clamp(min=0) * limits, limits)
        given = np.reshape([one["box"] for one in told["objects"]], (-1, 4))
        np.testing.assert_allclose(given, wanted.numpy(), atol=0.05)
        assert told["models"]["dino_model"] == "groundingdino_swint_ogc"
        seen.append(given)
    assert len(seen[0]) > 1
    assert not np.array_equal(seen[0], seen[1])


def _original_words(zoo: Path, picture: Image.Image, words: str) -> tuple[torch.Tensor, torch.Tensor]:
    """What the package's own `predict` gives: corners in shares of the sides, and scores."""
    import groundingdino.datasets.transforms as T
    from groundingdino.util.inference import predict
    from torchvision.ops import box_convert

    from masking.detectors import shelf

    detector: Any = shelf.load("groundingdino_swint_ogc", _settings(zoo))
    seen = T.Compose(
        [T.RandomResize([800], max_size=1333), T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
    )(picture, None)[0]
    boxes, scores, _ = predict(detector._model, seen, words, 0.3, 0.25, device="cpu")
    return box_convert(boxes, "cxcywh", "xyxy"), scores


@pytest.mark.filterwarnings("ignore")
def test_a_caption_is_read_phrase_by_phrase_as_if_each_stood_alone(zoo: Path, tmp_path: Path) -> None:
    """What groundingdino-py's own wrapper of BERT is for, which is replaced from outside."""
    from groundingdino.models.GroundingDINO.bertwarper import generate_masks_with_special_tokens
    from transformers import BertModel, BertTokenizer

    from masking.detectors.grounding_dino_original import _with_paired_mask

    torch.manual_seed(0)
    bert = BertModel(toy_detectors.bert()).eval()
    plain = BertModel(toy_detectors.bert()).eval()
    plain.load_state_dict(bert.state_dict())
    tokenizer = BertTokenizer(vocab=str(toy_detectors.vocabulary(tmp_path / "vocab.txt")), do_lower_case=True)
    tokens = tokenizer(["red cat . blue car . ball ."], return_tensors="pt")
    mask, positions = generate_masks_with_special_tokens(tokens, [101, 102, 1012, 1029], tokenizer)
    with torch.no_grad():
        told = _with_paired_mask(bert)(input_ids=tokens["input_ids"], attention_mask=mask, position_ids=positions)
        for start, end in ((1, 4), (4, 7), (7, 9)):
            alone = plain(input_ids=tokens["input_ids"][:, start:end]).last_hidden_state
            torch.testing.assert_close(told.last_hidden_state[:, start:end], alone, atol=1e-5, rtol=1e-5)


@pytest.fixture
def shelf(toy_models: Path) -> Iterator[Path]:
    """Where rembg's models lie; what a test puts there is gone after it."""
    folder = toy_models / "rembg"
    before = set(folder.iterdir())
    yield folder
    for path in set(folder.iterdir()) - before:
        path.unlink()


@pytest.mark.contract("11/mask_model", "11/rembg-mask")
def test_every_local_model_of_rembg_gives_what_rembg_itself_gives(server: Running, shelf: Path, tmp_path: Path) -> None:
    from masking.models.rembg import Rembg, keep_threads

    keep_threads()
    from rembg import new_session, remove

    picture, other = photograph("coffee.png", 90, 60), photograph("astronaut.png", 90, 60)
    environment = {"U2NET_HOME": str(tmp_path), "MODEL_CHECKSUM_DISABLED": "1"}
    for name in Rembg().known():
        make = cloth_finder if name == "u2net_cloth_seg" else red_finder
        make(tmp_path / f"{name}.onnx").rename(shelf / f"{name}.onnx")
        (tmp_path / f"{name}.onnx").symlink_to(shelf / f"{name}.onnx")
        with mock.patch.dict(os.environ, environment), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            session = new_session(name, providers=["CPUExecutionProvider"])
            plain = remove(picture, session=session, only_mask=True, cloth_category="full")
            smooth = remove(picture, session=session, only_mask=True, post_process_mask=True, cloth_category="full")
        answer = posted(server, picture, mask_model=name)
        assert answer.status_code == 200, answer.text
        np.testing.assert_array_equal(np.asarray(opened(answer.json())), np.asarray(plain), err_msg=name)
        answer = posted(server, picture, mask_model=name, post_process=True)
        np.testing.assert_array_equal(np.asarray(opened(answer.json())), np.asarray(smooth), err_msg=name)
        if name != "u2net_cloth_seg":
            assert posted(server, other, mask_model=name).json() != posted(server, picture, mask_model=name).json()


@pytest.mark.contract("11/rembg-mask")
def test_matting_gives_what_rembg_itself_gives(server: Running, shelf: Path, tmp_path: Path) -> None:
    from masking.models.rembg import keep_threads

    keep_threads()
    from rembg import new_session, remove

    picture = photograph("coffee.png", 180, 120)  # in smaller ones matting finds nothing sure, and rembg leaves it
    red_finder(tmp_path / "u2net.onnx").rename(shelf / "u2net.onnx")
    (tmp_path / "u2net.onnx").symlink_to(shelf / "u2net.onnx")
    environment = {"U2NET_HOME": str(tmp_path), "MODEL_CHECKSUM_DISABLED": "1"}
    with mock.patch.dict(os.environ, environment), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = new_session("u2net", providers=["CPUExecutionProvider"])
        plain = np.asarray(remove(picture, session=session, only_mask=True))
        matted = np.asarray(remove(picture, session=session, alpha_matting=True))[..., 3]
    assert (plain != matted).any()
    answer = posted(server, picture, mask_model="u2net", alpha_matting=True)
    np.testing.assert_array_equal(np.asarray(opened(answer.json())), matted)
