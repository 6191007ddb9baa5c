"""Section 4: fields that say in which form a picture is kept and how the answer comes."""

import base64
import io
import json
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image

from tests.contract.looks import PLAIN, Ask
from tests.server.receiving import receiver
from tests.server.running import Running


@pytest.mark.contract("4/output_format")
@pytest.mark.parametrize(("asked", "form"), [("png", "PNG"), ("jpeg", "JPEG"), ("jpg", "JPEG"), ("webp", "WEBP")])
def test_the_file_is_of_the_format_that_was_asked(server: Running, asked: str, form: str) -> None:
    url = server.made(output_format=asked, prompt="a tree")["result"][0]
    picture = server.picture(url)
    assert picture.format == form
    assert url.endswith({"PNG": ".png", "JPEG": ".jpeg", "WEBP": ".webp"}[form])
    told = picture.info["parameters"] if form == "PNG" else picture.getexif()[0x9286]
    assert json.loads(told)["prompt"] == "a tree"


@pytest.mark.contract("4/save_metadata_to_images")
def test_a_picture_tells_how_it_was_made_unless_that_is_not_wanted(server: Running, ask: Ask) -> None:
    told, silent = ask(), ask(save_metadata_to_images="false")
    assert "parameters" in server.picture(told.record["result"][0]).info
    assert set(server.picture(silent.record["result"][0]).info) & {"parameters", "fooocus_scheme", "gesso"} == set()
    assert told.same_as(silent)


@pytest.mark.contract("4/metadata_scheme")
def test_a_picture_tells_it_in_the_scheme_that_was_asked(server: Running, ask: Ask) -> None:
    texts = {
        scheme: server.picture(ask(metadata_scheme=scheme).record["result"][0]).info for scheme in ("fooocus", "a1111")
    }
    assert [texts[scheme]["fooocus_scheme"] for scheme in texts] == list(texts)
    assert json.loads(texts["fooocus"]["parameters"])["prompt"] == "a ball"
    assert texts["a1111"]["parameters"].startswith("a ball\nSteps: 3, ")


@pytest.mark.contract("4/generate_image_grid")
def test_a_grid_is_one_picture_more(server: Running) -> None:
    assert len(server.made(image_number=3)["result"]) == 3
    record = server.made(image_number=3, generate_image_grid=True)
    assert [server.picture(url).size for url in record["result"]] == [(64, 64)] * 3 + [(128, 128)]


@pytest.mark.contract("4/save_name")
def test_the_file_has_the_name_that_was_asked(server: Running) -> None:
    record = server.made(save_name="a field of names", image_number=2)
    names = [unquote(url.rpartition("/")[2]) for url in record["result"]]
    assert names == ["a field of names-0.png", "a field of names-1.png"]


@pytest.mark.contract("4/stream_output", "4/disable_preview")
@pytest.mark.parametrize("disabled", [True, False])
def test_a_stream_shows_previews_unless_they_are_disabled(server: Running, disabled: bool) -> None:
    answer = server.generate(stream_output=True, overwrite_step=6, disable_preview=disabled)
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = [json.loads(line[6:]) for line in answer.text.split("\r\n") if line.startswith("data: {")]
    assert told[-1]["message"] == "Finished"
    assert any(event["preview"] for event in told) is not disabled


@pytest.mark.contract("4/async_process")
def test_an_async_answer_comes_before_the_picture(server: Running) -> None:
    told = server.generate(async_process=True, overwrite_step=20, disable_preview=True).json()
    assert (told["task_status"], told["result"]) == ("pending", [])
    events = server.client.get(f"/tasks/{told['task_id']}/events").text
    assert "Finished" in events
    assert len(server.client.get(f"/tasks/{told['task_id']}").json()["result"]) == 1


@pytest.mark.contract("4/require_base64")
def test_base64_comes_only_where_it_is_required(server: Running) -> None:
    sent = server.made(**PLAIN, require_base64=True)
    picture = Image.open(io.BytesIO(base64.b64decode(sent["result_base64"][0])))
    assert picture.tobytes() == server.picture(sent["result"][0]).tobytes()
    assert "result_base64" not in server.made(**PLAIN, require_base64=False)


@pytest.mark.contract("4/webhook_url")
def test_who_is_named_is_told(server: Running) -> None:
    with receiver() as told:
        record = server.made(webhook_url=told.url)
        assert record["webhook_url"] == told.url
        assert told.wait(record["task_id"])[0].record["result"] == record["result"]
        silent: dict[str, Any] = server.made(webhook_url=None)
    assert silent["webhook_url"] == ""


@pytest.mark.contract("4/preset")
def test_a_preset_gives_what_was_not_sent(ask: Ask) -> None:
    mine = ask(preset="mine")
    assert (mine.used["preset"], mine.used["sharpness"]) == ("mine", 7)
    assert not mine.same_as(ask())
    assert ask(preset="initial").same_as(ask())
