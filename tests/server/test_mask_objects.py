"""Words, points, boxes and everything: each field of the mask tools over HTTP, on toys of every kind."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.server.masks_zoo import BOXES, EVERYTHING, MASK, bits, detailed, opened, photograph, posted, zoo
from tests.server.running import Running, as_text

__all__ = ["zoo"]

CLICK = {"points": [[100, 70]]}


@pytest.fixture(scope="module")
def cat(zoo: Path) -> Image.Image:
    return photograph("chelsea.png")


def said(server: Running, picture: Image.Image, **fields: Any) -> list[str]:
    told: list[str] = detailed(server, picture, **fields)["warnings"]
    return told


@pytest.mark.contract("11/dino_prompt_text", "11/mask_model", "11/sam-mask", "11/answer")
def test_words_alone_ask_the_presets_own_models_and_the_answer_is_one_string(server: Running, cat: Image.Image) -> None:
    answer = posted(server, cat, dino_prompt_text="red cat")
    assert answer.status_code == 200, answer.text
    mask = opened(answer.json())
    assert (mask.format, mask.mode, mask.size) == ("PNG", "RGB", cat.size)
    assert set(np.unique(np.asarray(mask))) == {0, 255}
    used = json.loads(answer.headers["x-gesso-effective-params"])
    assert (used["sam_model"], used["dino_model"], used["box_threshold"]) == ("gesso-sam", "gesso-dino", 0.3)
    named = posted(server, cat, mask_model="sam", dino_prompt_text="red cat", dino_model="gesso-dino")
    assert named.json() == answer.json()
    by_name = posted(server, cat, mask_model="gesso-sam", dino_prompt_text="red cat")
    assert by_name.json() == answer.json()


@pytest.mark.contract("11/sam-path")
def test_full_detail_tells_every_object_in_both_ways_of_asking(server: Running, cat: Image.Image) -> None:
    body = {"image": as_text(cat), "dino_prompt_text": "cat . car"}
    told = server.client.post(MASK, json=body, headers={"Accept": "application/json; detail=full"}).json()
    assert told["objects"]
    union = np.zeros((cat.height, cat.width), bool)
    for one in told["objects"]:
        left, top, right, bottom = one["box"]
        assert 0 <= left < right <= cat.width
        assert 0 <= top < bottom <= cat.height
        assert 0.3 < one["score"] <= 1
        assert one["phrase"] in ("cat", "car")
        assert opened(one["mask"]).mode == "1"
        union |= bits(one["mask"])
    np.testing.assert_array_equal(bits(told["mask"]), union)
    assert told["models"] == {"mask_model": "sam", "sam_model": "gesso-sam", "dino_model": "gesso-dino"}
    assert {"detect", "segment", "finish"} <= set(told["times"])
    again = detailed(server, cat, dino_prompt_text="cat . car")
    assert (again["mask"], again["objects"]) == (told["mask"], told["objects"])


def test_a_picture_is_answered_with_the_picture(server: Running, cat: Image.Image) -> None:
    answer = server.client.post(MASK, json={"image": as_text(cat)} | CLICK, headers={"Accept": "image/webp"})
    assert Image.open(io.BytesIO(answer.content)).format == "WEBP"
    plain = server.client.post(MASK, json={"image": as_text(cat)} | CLICK, headers={"Accept": "image/png"})
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(plain.content))), np.asarray(opened(posted(server, cat, **CLICK).json()))
    )


@pytest.mark.contract("11/sam_max_detections", "11/box_threshold")
def test_the_best_detections_come_first_and_may_be_limited(server: Running, cat: Image.Image) -> None:
    found = detailed(server, cat, dino_prompt_text="cat . car", dino_debug=True)["objects"]
    scores = [one["score"] for one in found]
    assert scores == sorted(scores, reverse=True)
    assert len(found) > 2
    best = detailed(server, cat, dino_prompt_text="cat . car", dino_debug=True, sam_max_detections=2)["objects"]
    assert [one["box"] for one in best] == [one["box"] for one in found[:2]]
    stricter = detailed(server, cat, dino_prompt_text="cat . car", dino_debug=True, box_threshold=scores[1] - 1e-6)
    assert [one["box"] for one in stricter["objects"]] == [one["box"] for one in found[:2]]


@pytest.mark.contract("11/text_threshold")
def test_text_threshold_tells_which_words_were_sure(server: Running, cat: Image.Image) -> None:
    loose = detailed(server, cat, dino_prompt_text="red cat", text_threshold=0.0)["objects"]
    strict = detailed(server, cat, dino_prompt_text="red cat", text_threshold=1.0)["objects"]
    assert {one["phrase"] for one in loose} == {"red cat"}
    assert {one["phrase"] for one in strict} == {""}
    assert [one["mask"] for one in loose] == [one["mask"] for one in strict]


@pytest.mark.contract("11/dino_debug", "11/dino_erode_or_dilate")
def test_debugging_shows_white_boxes_which_grow_and_shrink(server: Running, cat: Image.Image) -> None:
    asked: dict[str, Any] = {"dino_prompt_text": "cat", "dino_debug": True, "sam_max_detections": 1}
    plain = detailed(server, cat, **asked)
    left, top, right, bottom = plain["objects"][0]["box"]
    white = np.zeros((cat.height, cat.width), bool)
    white[round(top) : round(bottom), round(left) : round(right)] = True
    np.testing.assert_array_equal(bits(plain["mask"]), white)
    grown = detailed(server, cat, **asked, dino_erode_or_dilate=9)["objects"][0]["box"]
    limits = (cat.width, cat.height)
    wanted = [max(left - 9, 0), max(top - 9, 0), min(right + 9, limits[0]), min(bottom + 9, limits[1])]
    assert grown == pytest.approx(wanted)
    shrunk = detailed(server, cat, **asked, dino_erode_or_dilate=-64)["objects"]
    assert not shrunk or shrunk[0]["box"][0] == pytest.approx(left + 64)


@pytest.mark.contract("11/nothing-found", "11/box_threshold")
def test_nothing_found_is_a_black_mask_and_a_warning(server: Running, cat: Image.Image) -> None:
    told = detailed(server, cat, dino_prompt_text="unicorn", box_threshold=1.0)
    assert told["objects"] == []
    assert not bits(told["mask"]).any()
    assert any('"unicorn"' in warning for warning in told["warnings"])
    bare = posted(server, cat, dino_prompt_text="unicorn", box_threshold=1.0)
    assert bare.status_code == 200
    assert not np.asarray(opened(bare.json())).any()


@pytest.mark.contract("11/sam_model")
def test_every_further_segmenter_is_a_name_and_gives_a_mask_of_its_own(server: Running, cat: Image.Image) -> None:
    masks = [detailed(server, cat, sam_model=name, boxes=BOXES)["mask"] for name in ("vit_b", "gesso-sam", "second")]
    assert len(set(masks)) == 3
    other = photograph("coffee.png")
    assert detailed(server, other, sam_model="second", boxes=BOXES)["mask"] != masks[2]


@pytest.mark.contract("0/sam-without-words")
def test_each_box_is_an_object_and_the_points_are_one(server: Running, cat: Image.Image) -> None:
    told = detailed(server, cat, boxes=BOXES, points=[[10, 10], [50, 90]])["objects"]
    assert [one["box"] for one in told[:2]] == BOXES
    assert len(told) == 3
    one = detailed(server, cat, boxes=BOXES[:1])
    np.testing.assert_array_equal(bits(one["mask"]), bits(told[0]["mask"]))
    together = detailed(server, cat, boxes=BOXES[:1], points=[[30, 40]], labels=[0])["objects"]
    assert len(together) == 1, "points and a single box describe one object"
    assert together[0]["mask"] != one["objects"][0]["mask"]


def test_labels_tell_where_the_object_is_not(server: Running, cat: Image.Image) -> None:
    points = [[100, 70], [20, 20]]
    both = detailed(server, cat, points=points)["mask"]
    assert detailed(server, cat, points=points, labels=[1, 1])["mask"] == both
    assert detailed(server, cat, points=points, labels=[1, 0])["mask"] != both


def test_several_guesses_are_told_and_the_best_is_the_mask(server: Running, cat: Image.Image) -> None:
    told = detailed(server, cat, multimask=True, **CLICK)["objects"][0]
    assert len(told["candidates"]) == 3
    best = max(told["candidates"], key=lambda one: one["score"])
    assert (told["mask"], told["score"]) == (best["mask"], best["score"])
    by_itself = detailed(server, cat, **CLICK)["objects"][0]
    assert by_itself["mask"] == best["mask"], "a single click is ambiguous, so three guesses are made"
    assert by_itself["candidates"] == []
    assert detailed(server, cat, multimask=False, **CLICK)["objects"][0]["mask"] != best["mask"]


def test_an_earlier_mask_is_refined(server: Running, cat: Image.Image) -> None:
    first = detailed(server, cat, **CLICK)["mask"]
    asked: dict[str, Any] = {"points": [[100, 70], [30, 120]], "labels": [1, 0]}
    plain, refined = detailed(server, cat, **asked), detailed(server, cat, mask_input=first, **asked)
    assert plain["mask"] != refined["mask"]
    alone = detailed(server, cat, mask_input=first)
    assert len(alone["objects"]) == 1
    half = as_text(opened(first).resize((cat.width // 2, cat.height // 2)))
    assert any("mask_input was resized" in warning for warning in said(server, cat, mask_input=half, **asked))


def test_a_mask_is_inverted_grown_and_feathered_in_this_order(server: Running, cat: Image.Image) -> None:
    boxes = {"dino_debug": True, "boxes": [[50, 40, 90, 100]]}
    plain = np.asarray(opened(detailed(server, cat, **boxes)["mask"]).convert("L"))
    inverted = np.asarray(opened(detailed(server, cat, **boxes, invert=True)["mask"]).convert("L"))
    np.testing.assert_array_equal(inverted, 255 - plain)
    shaped = opened(detailed(server, cat, **boxes, invert=True, grow=5, feather=2.5)["mask"]).convert("L")
    wanted = Image.new("L", cat.size, 255)
    wanted.paste(0, (55, 45, 85, 95))
    np.testing.assert_array_equal(np.asarray(shaped), np.asarray(wanted.filter(ImageFilter.GaussianBlur(2.5))))
    salient = posted(server, cat, invert=True, grow=-3, feather=1, mask_model="gesso-salient")
    assert opened(salient.json()).mode == "L"


def test_what_is_not_read_is_told(server: Running, cat: Image.Image) -> None:
    warnings = said(server, cat, cloth_category="upper", post_process=True, **CLICK)
    assert {warning.split()[0] for warning in warnings} == {"cloth_category", "post_process"}
    warnings = said(server, cat, mask_model="gesso-salient", dino_prompt_text="cat", **CLICK)
    assert {warning.split()[0] for warning in warnings} == {"dino_prompt_text", "points"}
    assert any("boxs" in warning for warning in said(server, cat, boxs=[], **CLICK))


def test_what_stands_out_is_told_in_full_detail_too(server: Running, zoo: Path) -> None:
    picture = Image.new("RGB", (72, 56), "white")
    picture.paste("red", (16, 8, 48, 40))
    told = detailed(server, picture)
    assert told["models"] == {"mask_model": "gesso-salient"}
    left, top, right, bottom = told["objects"][0]["box"]
    assert max(abs(left - 16), abs(top - 8), abs(right - 48), abs(bottom - 40)) <= 2
    assert detailed(server, Image.new("RGB", (72, 56), "white"))["warnings"]


def test_alpha_matting_follows_what_the_mask_leaves_open(server: Running, zoo: Path) -> None:
    picture = Image.new("RGB", (72, 56), "white")
    picture.paste("red", (16, 8, 48, 40))
    plain, matted = (opened(posted(server, picture, **more).json()) for more in ({}, {"alpha_matting": True}))
    assert (matted.mode, matted.size) == ("L", picture.size)
    assert matted.getpixel((30, 20)) > 240  # type: ignore[operator]
    assert matted.getpixel((60, 50)) < 15  # type: ignore[operator]
    assert plain.tobytes() != matted.tobytes()
    wider = posted(server, picture, alpha_matting=True, alpha_matting_erode_size=2).json()
    assert opened(wider).tobytes() != matted.tobytes()
    unsure = {"alpha_matting": True, "alpha_matting_foreground_threshold": 255, "alpha_matting_background_threshold": 0}
    assert any("alpha_matting" in warning for warning in said(server, picture, **unsure))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (700, 3), (13, 17)])
def test_pictures_of_every_shape_get_masks_of_their_size(server: Running, zoo: Path, size: tuple[int, int]) -> None:
    picture = photograph("chelsea.png", *size)
    for name in ("vit_b", "gesso-sam", "second"):
        told = detailed(server, picture, sam_model=name, points=[[0, 0]], dino_prompt_text="cat")
        assert opened(told["mask"]).size == size
        assert all(opened(one["mask"]).size == size for one in told["objects"])


@pytest.mark.parametrize("height", [900, pytest.param(7812, marks=pytest.mark.long)])
def test_a_picture_of_the_largest_size_gets_its_mask(server: Running, zoo: Path, height: int) -> None:
    picture = Image.new("RGB", (8192, height), "white")
    picture.paste("red", (2000, 200, 6000, 800))
    told = detailed(server, picture, boxes=[[2000, 200, 6000, 800]])
    assert opened(told["mask"]).size == picture.size


def test_a_picture_of_8192_each_way_has_more_pixels_than_may_be_sent(server: Running, zoo: Path) -> None:
    refused = posted(server, Image.new("1", (8192, 8192)), boxes=[[1, 1, 9, 9]])
    assert refused.status_code == 413
    assert "64" in refused.text


def test_alpha_palette_and_exif_are_seen_as_they_look(server: Running, cat: Image.Image) -> None:
    asked: dict[str, Any] = {"boxes": BOXES}
    plain = posted(server, cat, **asked).json()
    clear = cat.convert("RGBA")
    clear.putalpha(Image.new("L", cat.size, 255))
    assert posted(server, clear, **asked).json() == plain
    few = cat.quantize(16)
    assert posted(server, few, **asked).json() == posted(server, few.convert("RGB"), **asked).json()
    turned = Image.Exif()
    turned[0x0112] = 3
    sent = as_text(cat.rotate(180), exif=turned)
    assert server.client.post(MASK, json={"image": sent} | asked).json() == plain


@pytest.mark.parametrize(
    ("fields", "status", "blamed"),
    [
        ({"mask_model": "sam"}, 422, "dino_prompt_text"),
        ({"mask_model": "sam", "dino_prompt_text": " . "}, 422, "dino_prompt_text"),
        ({"sam_model": "vit_l", "dino_prompt_text": "cat"}, 424, "sam_model"),
        ({"sam_model": "vit_x", "dino_prompt_text": "cat"}, 422, "sam_model"),
        ({"mask_model": "vit_h", "dino_prompt_text": "cat"}, 424, "sam_model"),
        ({"dino_model": "groundingdino_swinb_cogcoor", "dino_prompt_text": "cat"}, 424, "dino_model"),
        ({"dino_model": "nobody", "dino_prompt_text": "cat"}, 422, "dino_model"),
        ({"dino_prompt_text": "a " * 300}, 422, "dino_prompt_text"),
        ({"points": [[500, 1]]}, 422, "points"),
        ({"points": [[1, 2, 3]]}, 422, "points"),
        ({"points": [[1, 2]], "labels": [1, 1]}, 422, "labels"),
        ({"points": [[1, 2]], "labels": [2]}, 422, "labels"),
        ({"boxes": [[9, 9, 3, 12]]}, 422, "boxes"),
        ({"boxes": [[300, 9, 310, 12]]}, 422, "boxes"),
        ({"mask_input": "!", "points": [[1, 2]]}, 422, "mask_input"),
        ({"dino_prompt_text": "cat", "box_threshold": -0.1}, 422, "box_threshold"),
        ({"dino_prompt_text": "cat", "text_threshold": 1.5}, 422, "text_threshold"),
        ({"dino_prompt_text": "cat", "sam_max_detections": 11}, 422, "sam_max_detections"),
        ({"dino_prompt_text": "cat", "dino_erode_or_dilate": 65}, 422, "dino_erode_or_dilate"),
        ({"grow": 65}, 422, "grow"),
        ({"feather": -1}, 422, "feather"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_field(
    server: Running, cat: Image.Image, fields: dict[str, Any], status: int, blamed: str
) -> None:
    answer = posted(server, cat, **fields)
    assert answer.status_code == status, answer.text
    told = answer.json()
    if status == 424:
        assert told["field"] == blamed
        assert "http" in told["detail"] or "download" in told["detail"]
    else:
        assert blamed in told["detail"][0]["loc"]


def test_an_earlier_mask_of_another_shape_or_with_words_is_refused(server: Running, cat: Image.Image) -> None:
    tall = as_text(Image.new("L", (50, 200), 255))
    for more in ({}, {"dino_prompt_text": "cat"}, {"boxes": BOXES}):
        answer = posted(server, cat, mask_input=tall, **more)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"][-1] == "mask_input"


def test_damaged_weights_are_told_by_their_file(server: Running, cat: Image.Image, zoo: Path) -> None:
    (zoo / "sam" / "broken.pth").write_bytes(b"no checkpoint")
    folder = zoo / "sam" / "half"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "sam"}', encoding="utf-8")
    for name in ("broken", "half"):
        answer = posted(server, cat, sam_model=name, **CLICK)
        assert answer.status_code == 424, answer.text
        assert name in answer.json()["detail"]


def everything(server: Running, picture: Image.Image, **fields: Any) -> dict[str, Any]:
    loose = {"pred_iou_thresh": 0.0, "stability_score_thresh": 0.0, "points_per_side": 6}
    answer = server.client.post(EVERYTHING, json={"image": as_text(picture)} | loose | fields)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_everything_is_a_list_of_regions_and_a_map_of_them(server: Running, cat: Image.Image) -> None:
    told = everything(server, cat)
    assert (told["width"], told["height"]) == cat.size
    found = told["regions"]
    assert len(found) > 1
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)
    drawn = np.asarray(opened(told["map"]))
    masks = [bits(one["mask"]) for one in found]
    for one, mask in zip(found, masks, strict=True):
        assert one["area"] == mask.sum() >= 100
        left, top, right, bottom = (int(edge) for edge in one["box"])
        assert mask[top:bottom, left:right].sum() == mask.sum()
    np.testing.assert_array_equal(drawn > 0, np.logical_or.reduce(masks))
    for number in np.unique(drawn[drawn > 0]):
        assert masks[number - 1][drawn == number].all()


def test_everything_keeps_what_is_good_enough_and_large_enough(server: Running, cat: Image.Image) -> None:
    found = everything(server, cat)["regions"]
    middle = sorted(one["stability"] for one in found)[len(found) // 2]
    for fields, keep in (
        ({"stability_score_thresh": min(middle, 1.0)}, lambda one: one["stability"] >= middle),
        ({"min_mask_region_area": 5000}, lambda one: one["area"] >= 5000),
    ):
        assert all(keep(one) for one in everything(server, cat, **fields)["regions"])
    few = everything(server, cat, max_regions=1)
    assert len(few["regions"]) == 1
    assert any("regions" in warning for warning in few["warnings"])
    assert everything(server, cat, pred_iou_thresh=1.0, sam_model="second")["regions"] == []


def test_everything_needs_a_picture_and_a_model_that_is_there(server: Running, cat: Image.Image) -> None:
    assert server.client.post(EVERYTHING, json={}).status_code == 422
    assert server.client.post(EVERYTHING, json={"image": as_text(cat), "sam_model": "vit_h"}).status_code == 424
