"""An inpaint whose mask is made of words in the same call."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from configs.settings import Settings
from masking.errors import InvalidValue
from masking.made import Made
from pipelines.events import ToolDone
from server.api.fooocus import mask_words
from server.api.fooocus.request import GenerateRequest
from tests.server.masks_zoo import bits, detailed, photograph, zoo
from tests.server.running import Running, as_text

__all__ = ["zoo"]

WORDS = "red cat"


@pytest.fixture(scope="module")
def cat(zoo: Path) -> Image.Image:
    return photograph("chelsea.png")


def inpainted(server: Running, picture: Image.Image, **fields: Any) -> dict[str, Any]:
    return server.made(inpaint_input_image=as_text(picture), image_seed=1, **fields)


def test_words_make_the_mask_which_is_kept_and_what_it_leaves_out_stays(server: Running, cat: Image.Image) -> None:
    record = inpainted(server, cat, inpaint_mask_prompt=WORDS)
    mask = np.asarray(server.picture(record["req_params"]["inpaint_mask_image_upload"]).convert("L"))
    np.testing.assert_array_equal(mask > 127, bits(detailed(server, cat, dino_prompt_text=WORDS)["mask"]))
    made = np.asarray(server.picture(record["result"][0]))
    np.testing.assert_array_equal(made[mask == 0], np.asarray(cat)[mask == 0])
    assert (made != np.asarray(cat)).any()
    assert record["edit_report"][0]["known_changed_by"] == 0
    by_hand = inpainted(server, cat, inpaint_mask_image_upload=record["req_params"]["inpaint_mask_image_upload"])
    np.testing.assert_array_equal(np.asarray(server.picture(by_hand["result"][0])), made)


def test_a_mask_that_is_sent_counts_instead_of_words(server: Running, cat: Image.Image) -> None:
    mask = Image.new("L", cat.size)
    mask.paste(255, (50, 40, 90, 80))
    record = inpainted(server, cat, inpaint_mask_prompt=WORDS, inpaint_mask_image_upload=as_text(mask))
    assert any(told.startswith("inpaint_mask_prompt was not used") for told in record["warnings"])
    kept = server.picture(record["req_params"]["inpaint_mask_image_upload"])
    np.testing.assert_array_equal(np.asarray(kept), np.asarray(mask))


def refused(server: Running, **fields: Any) -> dict[str, Any]:
    answer = server.generate(**fields)
    assert answer.status_code == 422, answer.text
    complaint: dict[str, Any] = answer.json()["detail"][0]
    return complaint


def test_words_that_name_nothing_are_refused_in_words(
    zoo: Path, tmp_path: Path, cat: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The toys find something in everything: so what their tool tells is put in its place."""
    cat.save(tmp_path / "cat.png")
    content, facts = Made(mask=Image.new("L", cat.size), times={}).packed()

    async def nothing(*_: object) -> ToolDone:
        return ToolDone(content=content, facts=json.dumps(facts))

    monkeypatch.setattr(mask_words, "use", nothing)
    parts: Any = SimpleNamespace(settings=Settings(models_path=zoo, output_path=tmp_path), backend=None)
    asked = GenerateRequest(inpaint_mask_prompt="unicorn")
    with pytest.raises(InvalidValue, match=r'Nothing in the picture answers.*"?unicorn') as caught:
        asyncio.run(mask_words.mask(asked, tmp_path / "cat.png", parts))
    assert caught.value.field == "inpaint_mask_prompt"


def test_words_without_a_picture_are_refused(server: Running) -> None:
    complaint = refused(server, inpaint_mask_prompt=WORDS)
    assert complaint["loc"] == ["body", "inpaint_input_image"]
    assert "inpaint_mask_prompt needs" in complaint["msg"]
