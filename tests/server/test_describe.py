"""`/v1/tools/describe-image` over HTTP, with real (toy) models of both kinds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running, as_text, ready
from tests.server.test_control import followed, pixels, record, until_image
from tests.toy_describers import blip, tagger
from tests.toy_masks import red_finder
from tests.toys import stable_diffusion

DESCRIBE = "/v1/tools/describe-image"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("describing")
    stable_diffusion(folder / "checkpoints" / "gesso-starter", unet_channels=9)
    red_finder(folder / "rembg" / "gesso-salient.onnx")
    blip(folder / "describe" / "my-blip")
    blip(folder / "describe" / "other-blip", seed=1)
    tagger(folder / "describe" / "my-tagger")
    (folder / "describe" / "nothing").mkdir()
    damaged = folder / "describe" / "zz-damaged"
    damaged.mkdir()
    (damaged / "config.json").write_text('{"model_type": "blip"}', encoding="utf-8")
    short = tagger(folder / "describe" / "zz-short")
    (short / "selected_tags.csv").write_text("tag_id,name,category,count\n1,red,0,1\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def describing(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Running]:
    with ready(tmp_path_factory.mktemp("describing-server"), models) as running:
        yield running


def ask(server: Running, picture: Image.Image, **more: Any) -> dict[str, Any]:
    answer = server.client.post(DESCRIBE, json={"image": as_text(picture)} | more)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def two_colours(left: str, right: str) -> Image.Image:
    picture = Image.new("RGB", (40, 40), left)
    picture.paste(right, (20, 0, 40, 40))
    return picture


def written_by_transformers(folder: Path, picture: Image.Image) -> str:
    """What the captioner's own library writes: the likeliest of three beams."""
    from transformers import BlipForConditionalGeneration, BlipProcessor

    processor, model = BlipProcessor.from_pretrained(folder), BlipForConditionalGeneration.from_pretrained(folder)
    written = model.generate(**processor(images=picture, return_tensors="pt"), max_new_tokens=40, num_beams=3)
    text: str = processor.decode(written[0], skip_special_tokens=True)
    return text.strip()


@pytest.mark.contract("2/describe-image")
@pytest.mark.contract("12/photo")
def test_a_photo_gets_the_sentence_of_a_users_own_captioner(
    describing: Running, models: Path, photo: Image.Image
) -> None:
    others = [Image.new("RGB", (50, 30), "blue"), two_colours("red", "white")]
    for picture in (photo, *others):
        told = ask(describing, picture)
        assert told["describe"] == written_by_transformers(models / "describe" / "my-blip", picture)
        assert told["warnings"] == []
        assert told["effective_params"] == {"image_type": "Photo", "describe_model": "my-blip"}
    assert len({ask(describing, picture)["describe"] for picture in (photo, *others)}) > 1


def test_both_forms_of_the_address_answer_and_the_same_picture_gets_the_same_words(
    describing: Running, photo: Image.Image
) -> None:
    body = {"image": as_text(photo), "image_type": "Photo"}
    answers = [describing.client.post(path, json=body) for path in (DESCRIBE, f"{DESCRIBE}/", DESCRIBE)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.contract("12/anime")
@pytest.mark.parametrize(
    ("left", "right", "tags"),
    [
        ("red", "red", r"robin \(red\), long red, ^_^"),
        ("red", "black", "long red"),  # 0.5 of everything red: no character below 0.85, no ^_^ below 0.35
        ("blue", "blue", "alice, blue sky"),
        ("red", "blue", "long red, blue sky"),
        ("black", "black", ""),
    ],
)
def test_anime_gets_tags_with_characters_first_and_each_kinds_own_threshold(
    describing: Running, left: str, right: str, tags: str
) -> None:
    told = ask(describing, two_colours(left, right), image_type="Anime")
    assert told["describe"] == tags
    assert told["effective_params"]["describe_model"] == "my-tagger"


def test_a_tagger_sees_the_picture_in_the_middle_of_a_white_square(describing: Running) -> None:
    told = ask(describing, Image.new("RGB", (40, 20), "black"), image_type="Anime")
    assert told["describe"] == "long red, blue sky"  # half of the square is white


def test_a_model_can_be_named_and_says_what_it_is_for(describing: Running, photo: Image.Image) -> None:
    told = ask(describing, photo, describe_model="my-tagger")
    assert told["effective_params"] == {"image_type": "Anime", "describe_model": "my-tagger"}


def test_a_model_is_loaded_and_used_between_the_steps_of_a_task_whose_pixels_stay_the_same(
    describing: Running, photo: Image.Image
) -> None:
    undisturbed = describing.made(overwrite_step=50, image_seed=5, image_number=3)["result"]
    with followed(describing, overwrite_step=50, image_number=3) as (task_id, events):
        until_image(events, 1)
        assert ask(describing, photo, describe_model="other-blip")["describe"]
        assert ask(describing, photo, image_type="Anime")["warnings"] == []
        assert record(describing, task_id)["task_status"] == "running"
        disturbed = list(events)[-1]["images"]
    for one, other in zip(undisturbed, disturbed, strict=True):
        np.testing.assert_array_equal(pixels(describing, one), pixels(describing, other))


def test_fields_that_are_unknown_are_named(describing: Running, photo: Image.Image) -> None:
    told = ask(describing, photo, image_typ="Anime")
    assert any("image_type" in warning for warning in told["warnings"])


@pytest.mark.contract("12/image")
@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"image": None}, 422, "image is missing"),
        ({"image": "None"}, 422, "image is missing"),
        ({"image": "!"}, 422, "image"),
        ({"image_type": "photo"}, 422, "Anime"),
        ({"describe_model": "my-bilp"}, 422, "my-blip"),
        ({"describe_model": "my-tagger", "image_type": "Photo"}, 422, "Anime"),
        ({"describe_model": "blip-image-captioning-large"}, 424, "download blip-image-captioning-large"),
        ({"describe_model": "zz-damaged"}, 424, "zz-damaged"),
        ({"describe_model": "zz-short"}, 424, "other tags"),
    ],
)
def test_what_cannot_be_described_is_refused(
    describing: Running, photo: Image.Image, body: dict[str, Any], status: int, words: str
) -> None:
    answer = describing.client.post(DESCRIBE, json={"image": as_text(photo)} | body)
    assert answer.status_code == status, answer.text
    assert words in answer.text


def test_tags_without_a_tagger_are_refused_with_the_command_for_one(server: Running, photo: Image.Image) -> None:
    answer = server.client.post(DESCRIBE, json={"image": as_text(photo), "image_type": "Anime"})
    assert answer.status_code == 424
    assert answer.json()["field"] == "image_type"
    assert "python3 launch.py download wd-v1-4-moat-tagger-v2" in answer.json()["detail"]
