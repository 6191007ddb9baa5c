"""A safety checker and a GPT-2 beside the checkpoint: what they do to a request over HTTP."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.contract.looks import parameters
from tests.server.running import Running, as_text, ready
from tests.server.test_control import pixels
from tests.toy_companions import WORDS, prompt_expansion, safety_checker

FORBIDDEN = Image.radial_gradient("L").convert("RGB").resize((64, 64))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Path:
    models = tmp_path_factory.mktemp("companions") / "models"
    shutil.copytree(toy_models, models)
    safety_checker(models / "safety_checker" / "checker", forbidden=FORBIDDEN)
    prompt_expansion(models / "prompt_expansion" / "fooocus_expansion")
    return models


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Running]:
    with ready(tmp_path_factory.mktemp("companions-server"), models) as running:
        yield running


def enlarged(server: Running, picture: Image.Image, **more: Any) -> tuple[np.ndarray, dict[str, Any]]:
    record = server.made(uov_input_image=as_text(picture), uov_method="Upscale (Fast 2x)", **more)
    return pixels(server, record["result"][0]), record


@pytest.mark.contract("4/black_out_nsfw")
def test_what_the_safety_checker_finds_is_black_and_told(served: Running) -> None:
    seen, record = enlarged(served, FORBIDDEN, black_out_nsfw=True)
    assert not seen.any()
    assert any("safety checker" in told for told in record["warnings"])
    assert record["effective_params"]["black_out_nsfw"] is True
    assert enlarged(served, FORBIDDEN)[0].any()


@pytest.mark.contract("4/black_out_nsfw")
def test_what_it_lets_pass_stays_as_it_is(served: Running, photo: Image.Image) -> None:
    seen, record = enlarged(served, photo, black_out_nsfw=True)
    np.testing.assert_array_equal(seen, enlarged(served, photo)[0])
    assert not any("safety checker" in told for told in record["warnings"])


def test_nothing_of_a_picture_is_shown_before_it_was_checked(served: Running) -> None:
    asked = {"stream_output": True, "overwrite_step": 6, "aspect_ratios_selection": "64*64"}
    checked, open_ = (served.generate(**asked, black_out_nsfw=flag).text for flag in (True, False))
    assert "data:image" not in checked
    assert "Checking for NSFW content" in checked
    assert "data:image" in open_


@pytest.mark.contract("7/prompt-expansion", "9/fooocus-v2")
def test_fooocus_v2_is_written_by_the_gpt2_that_is_there(served: Running) -> None:
    asked = {"prompt": "a ball", "style_selections": ["Fooocus V2"], "image_number": 2, "image_seed": 3}
    first, again = (served.made(**asked) for _ in range(2))
    texts = [parameters(served, url)["prompt_expansion"] for url in first["result"]]
    assert texts == [parameters(served, url)["prompt_expansion"] for url in again["result"]]
    assert texts[0] != texts[1]
    for text in texts:
        assert text.startswith("a ball, ")
        assert set(re.findall(r"\w+", text.removeprefix("a ball, "))) <= set(WORDS)
