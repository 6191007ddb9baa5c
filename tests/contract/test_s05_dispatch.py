"""Section 5: what a request makes runs, going by the pictures in it."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.contract.looks import PLAIN, Ask
from tests.server.running import Running, as_text

DOT = as_text(Image.new("RGB", (64, 64), "red"))
VARY = {"uov_input_image": DOT, "uov_method": "Vary (Subtle)"}
OUTPAINT = {"inpaint_input_image": DOT, "outpaint_selections": ["Left"]}


@pytest.mark.contract("5/tab", "4/current_tab")
@pytest.mark.parametrize("sent", ["uov", "inpaint", "ip", "enhance"])
@pytest.mark.parametrize(
    ("fields", "task", "tab"),
    [(VARY, "vary", "uov"), (OUTPAINT, "inpaint", "inpaint"), (VARY | OUTPAINT, "vary", "uov")],
)
def test_the_first_picture_decides_whatever_the_tab(
    ask: Ask, fields: dict[str, Any], task: str, tab: str, sent: str
) -> None:
    look = ask(**fields, current_tab=sent)
    assert (look.used["task"], look.record["req_params"]["current_tab"]) == (task, tab)


@pytest.mark.contract("5/tab", "5/uov")
def test_what_a_variation_hides_is_told(ask: Ask) -> None:
    look = ask(**VARY, **OUTPAINT)
    assert look.same_as(ask(**VARY))
    assert "inpaint_input_image was not used" in look.warnings


@pytest.mark.contract("5/tab")
@pytest.mark.parametrize(
    "first", [{"enhance_input_image": DOT}, {"controlnet_image": [{"cn_img": DOT}]}], ids=["enhance", "controlnet"]
)
def test_what_comes_before_a_variation_is_not_left_out_in_silence(server: Running, first: dict[str, Any]) -> None:
    answer = server.generate(**first, **VARY, **OUTPAINT)
    assert (answer.status_code, answer.json()["field"]) == (501, next(iter(first)))


@pytest.mark.contract("5/uov", "4/uov_method")
def test_a_disabled_method_leaves_the_inpaint_request(ask: Ask) -> None:
    look = ask(uov_input_image=DOT, uov_method="Disabled", **OUTPAINT)
    assert look.used["task"] == "inpaint"
    assert look.same_as(ask(**OUTPAINT))


@pytest.mark.contract("5/seed-increment", "4/image_seed")
def test_picture_i_has_the_seed_that_is_i_more(server: Running, ask: Ask) -> None:
    record = server.made(**PLAIN | {"image_number": 3})
    assert record["result_seeds"] == [5, 6, 7]
    for seed, url in zip(record["result_seeds"], record["result"], strict=True):
        np.testing.assert_array_equal(np.asarray(server.picture(url)), ask(image_seed=seed).pixels)


@pytest.mark.contract("5/seed-increment")
def test_seeds_begin_again_at_0(server: Running) -> None:
    assert server.made(image_seed=2**63 - 1, image_number=2)["result_seeds"] == [2**63 - 1, 0]
