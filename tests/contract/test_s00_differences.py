"""Section 0: where Gesso differs from FooocusAPI on purpose, as far as no other test shows it already."""

import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.server.receiving import receiver
from tests.server.running import Running, as_text


def _pixels(server: Running, **fields: Any) -> np.ndarray:
    record = server.made(image_seed=5, deterministic=True, **fields)
    return np.asarray(server.picture(record["result"][0]))


@pytest.mark.contract("0/loras-as-sent", "3/req-params-loras")
def test_loras_are_shown_as_the_objects_that_were_sent(server: Running) -> None:
    sent = [{"enabled": False, "model_name": "a.safetensors", "weight": 0.3}, {"enabled": True, "model_name": "None"}]
    shown = server.made(loras=sent)["req_params"]["loras"]
    assert shown == [sent[0], {"enabled": True, "model_name": "None", "weight": 0.5}]


@pytest.mark.contract("0/outpaint-strength-and-field")
def test_outpainting_sees_the_whole_picture_and_works_at_full_strength(server: Running, photo: Image.Image) -> None:
    asked: dict[str, Any] = {
        "inpaint_input_image": as_text(photo),
        "outpaint_selections": ["Left"],
        "overwrite_step": 3,
    }
    usual = _pixels(server, **asked)
    np.testing.assert_array_equal(usual, _pixels(server, **asked, inpaint_strength=1, inpaint_respective_field=1))
    np.testing.assert_array_equal(usual, _pixels(server, **asked, inpaint_strength=0.2, inpaint_respective_field=0))
    record = server.made(**asked, inpaint_strength=0.2)
    assert (record["effective_params"]["strength"], record["effective_params"]["respective_field"]) == (1.0, 1.0)
    assert any("strength had no effect" in warning for warning in record["warnings"])


@pytest.mark.contract("0/grey-masks")
def test_grey_in_a_mask_is_strength(server: Running, photo: Image.Image) -> None:
    before = np.asarray(photo).astype(int)

    def inpainted(level: int) -> np.ndarray:
        mask = Image.new("L", photo.size)
        mask.paste(255, (4, 4, 36, 52))
        mask.paste(level, (36, 4, 68, 52))
        return _pixels(
            server, inpaint_input_image=as_text(photo), inpaint_mask_image_upload=as_text(mask), overwrite_step=8
        ).astype(int)

    right = np.s_[4:52, 36:68]
    np.testing.assert_array_equal(inpainted(31)[right], before[right])
    np.testing.assert_array_equal(inpainted(224), inpainted(255))
    degrees = [inpainted(level)[right] for level in (64, 160, 224)]
    assert all((one != other).any() for one, other in pairwise(degrees)), "how grey it is makes a difference"


@pytest.mark.contract("0/grey-masks", "0/mask-of-another-size")
def test_a_mask_of_black_and_white_has_no_grey_after_it_is_resized(server: Running, photo: Image.Image) -> None:
    large = Image.new("L", (144, 112))
    large.paste(255, (41, 33, 87, 79))
    record = server.made(
        inpaint_input_image=as_text(photo), inpaint_mask_image_upload=as_text(large), deterministic=True, image_seed=5
    )
    assert any("resized" in warning for warning in record["warnings"])
    made = np.asarray(server.picture(record["result"][0]))
    changed = np.argwhere((made != np.asarray(photo)).any(axis=2))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0) + 1
    mask = Image.new("L", photo.size)
    mask.paste(255, (left, top, right, bottom))
    same = _pixels(server, inpaint_input_image=as_text(photo), inpaint_mask_image_upload=as_text(mask))
    np.testing.assert_array_equal(made, same)


@pytest.mark.contract("0/native-size")
def test_beyond_twice_the_native_area_a_picture_is_painted_smaller_and_enlarged(server: Running) -> None:
    record = server.made(aspect_ratios_selection="200*150")
    assert server.picture(record["result"][0]).size == (200, 150)
    width, height = record["effective_params"]["painted"]
    assert width * height <= 2 * 64 * 64
    assert any("200x150" in warning for warning in record["warnings"])
    assert server.made(aspect_ratios_selection="96*80")["warnings"] == []


@pytest.mark.contract("0/cors-closed", "1/cors")
def test_other_origins_are_not_let_in(server: Running) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        server.client.get("/v1/engines/styles", headers=headers),
        server.client.options("/v1/engine/generate", headers=headers),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.contract("0/disabled-uov-hides-nothing")
def test_an_inpaint_is_carried_out_beside_a_uov_picture_that_is_disabled(
    server: Running, photo: Image.Image, box_mask: Image.Image
) -> None:
    record = server.made(
        uov_input_image=as_text(photo.rotate(180)),
        uov_method="Disabled",
        inpaint_input_image=as_text(photo),
        inpaint_mask_image_upload=as_text(box_mask),
    )
    made, kept = np.asarray(server.picture(record["result"][0])), np.asarray(box_mask) == 0
    assert record["effective_params"]["task"] == "inpaint"
    np.testing.assert_array_equal(made[kept], np.asarray(photo)[kept])


@pytest.fixture
def broken(toy_models: Path) -> Iterator[str]:
    """A checkpoint whose file looks right from outside and cannot be loaded."""
    folder = toy_models / "checkpoints" / "broken"
    shutil.copytree(toy_models / "checkpoints" / "gesso-starter", folder)
    weights = next((folder / "vae").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:5000])
    yield folder.name
    shutil.rmtree(folder)


@pytest.mark.contract("0/failed-tasks", "3/status-failed", "16/every-end")
def test_a_task_that_fails_says_so_in_every_form(server: Running, broken: str) -> None:
    with receiver() as told:
        asked: dict[str, Any] = {"base_model_name": broken, "webhook_url": told.url}
        answer = server.generate(**asked)
        assert answer.status_code == 424, answer.text
        failed = answer.json()
        streamed = server.generate(**asked, stream_output=True)
        (message,) = told.wait(failed["task_id"])
    record = server.client.get(f"/tasks/{failed['task_id']}").json()
    assert (record["task_status"], record["result"]) == ("failed", [])
    assert record["error"] == failed["detail"] == message.record["error"]
    assert message.record["task_status"] == "failed"
    end = streamed.text.rstrip().split("\r\n\r\n")[-1].split("\r\n")
    assert "event: error" in end
    last = json.loads(next(line for line in end if line.startswith("data: {"))[6:])
    assert {"progress", "preview", "message", "images"} <= set(last)
    assert (last["images"], last["error"]) == ([], last["message"])
    assert server.made()["task_status"] == "finished"
