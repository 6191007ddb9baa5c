"""The shipped SAM and GroundingDINO, by the server's own door, on scenes that no training saw."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from configs.models import STARTER
from tests.server.running import Running, as_text
from training import evaluate_masks

MASK = "/v1/tools/generate_mask"
NUMBER = 10
"""Scenes for each kind of question; `docs/starter.md` has the figures of a hundred."""


@pytest.fixture
def masks(server: Running) -> evaluate_masks.Masks:
    """What the server answers when it is told no more than it must be."""

    def ask(picture: NDArray[np.uint8], **fields: object) -> NDArray[np.bool_]:
        answer = server.client.post(MASK, json={"image": as_text(Image.fromarray(picture))} | fields)
        assert answer.status_code == 200, answer.text
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer.json()))).convert("L")) > 127

    return ask


@pytest.mark.parametrize(("test", "least"), [("click", 0.75), ("box", 0.75), ("words", 0.6), ("every", 0.5)])
def test_what_is_pointed_at_or_named_is_the_mask(masks: evaluate_masks.Masks, test: str, least: float) -> None:
    score = getattr(evaluate_masks, test)(masks, np.random.default_rng(5), NUMBER)
    assert np.mean(score.figures["iou"]) > least


@pytest.mark.parametrize(("test", "least"), [("twins", 0.7), ("absent", 0.7)])
def test_colours_are_told_apart_and_what_is_not_there_is_not_found(
    masks: evaluate_masks.Masks, test: str, least: float
) -> None:
    score = getattr(evaluate_masks, test)(masks, np.random.default_rng(6), NUMBER)
    assert np.mean(score.right) >= least


def test_they_are_what_a_request_gets_that_names_no_model(server: Running) -> None:
    painting = evaluate_masks.new_painting(np.random.default_rng(1))
    kind = painting.scene.things[0].kind
    asked: dict[str, Any] = {"image": as_text(Image.fromarray(painting.picture)), "detail": True}
    for more in ({}, {"mask_model": "sam"}, {"mask_model": "sam", "sam_model": "vit_b"}):
        told = server.client.post(MASK, json=asked | more | {"dino_prompt_text": kind}).json()
        assert told["models"] == {"mask_model": "sam", "sam_model": "gesso-sam", "dino_model": "gesso-dino"}
        assert {one["phrase"] for one in told["objects"]} == {kind}
        assert bool(told["warnings"]) == ("sam_model" in more), "only FooocusAPI's own default gives way"


@pytest.mark.parametrize(("folder", "most"), [("sam/gesso-sam", 3), ("grounding_dino/gesso-dino", 5)])
def test_they_are_small(folder: str, most: int) -> None:
    """MiB."""
    assert 0 < sum(file.stat().st_size for file in (STARTER / folder).rglob("*")) < most * 2**20
