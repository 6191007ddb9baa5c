"""Styles, wildcards and arrays change what is painted, and what is wrong with them is told."""

import numpy as np
import pytest

from tests.server.running import Running


def pixels(server: Running, **fields: object) -> np.ndarray:
    record = server.made(image_seed=5, deterministic=True, **fields)
    return np.asarray(server.picture(record["result"][0]))


@pytest.mark.contract("2/styles")
def test_the_names_of_all_styles_are_listed(server: Running) -> None:
    names = server.client.get("/v1/engines/styles").json()
    assert len(names) == 279
    assert names[:2] == ["Fooocus V2", "Random Style"]


def test_a_style_changes_the_picture_and_is_told(server: Running) -> None:
    plain = pixels(server, prompt="a cat", style_selections=[])
    assert np.array_equal(plain, pixels(server, prompt="a cat"))
    assert not np.array_equal(plain, pixels(server, prompt="a cat", style_selections=["SAI Anime"]))
    record = server.made(prompt="a cat", style_selections=["SAI Anime", "Random Style"])
    assert record["effective_params"]["styles"] == ["SAI Anime", "Random Style"]


@pytest.mark.contract("0/unknown-names")
def test_an_unknown_style_is_422_and_names_the_nearest(server: Running) -> None:
    answer = server.generate(style_selections=["SAI Anima"])
    assert answer.status_code == 422
    told = answer.json()["detail"][0]
    assert told["loc"] == ["body", "style_selections"]
    assert "SAI Anime" in told["msg"]


@pytest.mark.contract("7/prompt-arrays")
def test_an_array_gives_each_picture_its_own_word(server: Running) -> None:
    record = server.made(prompt="[[red, blue]] ball", image_number=2, image_seed=5, disable_seed_increment=True)
    first, second = (np.asarray(server.picture(url)) for url in record["result"])
    assert np.array_equal(first, pixels(server, prompt="red ball"))
    assert np.array_equal(second, pixels(server, prompt="blue ball"))


def test_a_wildcard_is_drawn_by_the_seed_and_an_unknown_one_told(server: Running) -> None:
    assert np.array_equal(pixels(server, prompt="a __animal__"), pixels(server, prompt="a __animal__"))
    assert not np.array_equal(pixels(server, prompt="a __animal__"), pixels(server, prompt="a animal"))
    record = server.made(prompt="a __nosuchthing__")
    assert any("nosuchthing" in warning for warning in record["warnings"])


@pytest.mark.contract("7/prompt-lora-tags")
def test_a_lora_in_the_prompt_that_is_missing_is_424(server: Running) -> None:
    answer = server.generate(prompt="a cat <lora:film:0.5>")
    assert answer.status_code == 424
    assert "film" in answer.json()["detail"]
