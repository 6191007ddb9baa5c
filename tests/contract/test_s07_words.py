"""Section 7.7: from the prompt to what is encoded."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.contract.conftest import dropped
from tests.contract.looks import PLAIN, Ask, metadata, parameters
from tests.server.running import Running

LONG = ", ".join(["a red ball on green grass"] * 4)
"""More than a text encoder reads at once, in the toys' letters."""


@pytest.fixture
def own_styles(toy_models: Path) -> Iterator[None]:
    """Two styles that a user drops in, one without a place for the prompt."""
    told = [
        {"name": "own-3d style (s", "prompt": "painted: {prompt}, fine lines", "negative_prompt": "blurry lines"},
        {"name": "own-words", "prompt": "bright colours\nmuch light", "negative_prompt": ""},
    ]
    with dropped(toy_models.parent / "sdxl_styles" / "own.json", json.dumps(told)):
        yield


@pytest.mark.contract("7/prompt-wildcards")
def test_a_wildcard_is_a_line_of_its_list_by_the_seed(server: Running, ask: Ask) -> None:
    drawn = [metadata(server, ask(prompt="a __color__ ball", image_seed=seed))["full_prompt"][0] for seed in range(4)]
    assert len(set(drawn)) > 1
    assert all(text.startswith("a ") and "__" not in text for text in drawn)
    assert ask(prompt="a __color__ ball", image_seed=1).same_as(ask(prompt=drawn[1], image_seed=1))


@pytest.mark.contract("7/prompt-own-wildcards")
def test_a_users_own_list_is_there_as_soon_as_its_file_is(
    server: Running, users_words: list[str], toy_models: Path
) -> None:
    url = server.made(prompt="an __own-words__")["result"][0]
    assert parameters(server, url)["full_prompt"][0] in {f"an {word}" for word in users_words}
    with dropped(toy_models.parent / "wildcards" / "color.txt", "ultramarine"):
        url = server.made(prompt="a __color__ ball")["result"][0]
    assert parameters(server, url)["full_prompt"] == ["a ultramarine ball"]


@pytest.mark.contract("7/prompt-arrays")
def test_picture_i_takes_the_ith_word(server: Running, ask: Ask) -> None:
    record = server.made(**PLAIN | {"prompt": "[[red, blue]] ball", "image_number": 3, "disable_seed_increment": True})
    balls = [ask(prompt=f"{colour} ball").pixels for colour in ("red", "blue", "red")]
    for url, ball in zip(record["result"], balls, strict=True):
        np.testing.assert_array_equal(np.asarray(server.picture(url)), ball)
    assert (balls[0] != balls[1]).any()


@pytest.mark.contract("7/prompt-styles", "9/own-styles", "9/negative")
def test_templates_dress_the_prompt_and_without_a_place_for_it_it_comes_first(
    server: Running, own_styles: None
) -> None:
    listed = server.client.get("/v1/engines/styles").json()
    assert [name for name in listed if name.startswith("Own ")] == ["Own 3D Style (S", "Own Words"]
    assert listed.index("Own Words") < listed.index("Fooocus Enhance")
    asked = {"prompt": "a ball\ngrass", "negative_prompt": "snow"}
    for styles, positive, negative in (
        (["Own 3D Style (S"], ["painted: a ball, fine lines", "grass"], ["snow", "blurry lines"]),
        (["Own Words"], ["a ball", "bright colours", "much light", "grass"], ["snow"]),
        (["Own Words", "Own 3D Style (S"], ["bright colours", "much light", "painted: a ball, fine lines", "grass"],
         ["snow", "blurry lines"]),
    ):  # fmt: skip
        told = parameters(server, server.made(**asked, style_selections=styles)["result"][0])
        assert (told["full_prompt"], told["full_negative_prompt"]) == (positive, negative)


@pytest.mark.contract("7/prompt-lines")
def test_more_than_the_encoder_reads_at_once_is_encoded_line_by_line(ask: Ask) -> None:
    lines = LONG[:60], LONG[60:]
    told = ask(prompt="\n".join(lines))
    assert "cut" not in told.warnings
    assert not told.same_as(ask(prompt=f"{lines[0]}\n{lines[1]} in the wood"))
    assert not told.same_as(ask(prompt=lines[0]))


@pytest.mark.contract("7/prompt-expansion", "9/fooocus-v2")
def test_fooocus_v2_appends_words_by_the_seed(server: Running, ask: Ask) -> None:
    looks = [ask(style_selections=["Fooocus V2"], image_seed=seed) for seed in (5, 6)]
    texts = [metadata(server, look)["prompt_expansion"] for look in looks]
    assert texts[0] != texts[1]
    assert all(text.startswith("a ball, ") and len(text.split(", ")) > 4 for text in texts)
    assert metadata(server, looks[0])["full_prompt"][-1] == texts[0]
    assert not looks[0].same_as(ask(style_selections=[]))
    assert metadata(server, ask(style_selections=[]))["prompt_expansion"] == ""


@pytest.mark.contract("7/prompt-weights")
def test_a_weighed_word_weighs(ask: Ask) -> None:
    assert ask(prompt="a (ball:1.0)").same_as(ask(prompt="a ball"))
    weighed = [ask(prompt=prompt) for prompt in ("a ball", "a (ball:1.6)", "a (ball)", "a ((ball))")]
    assert len({look.pixels.tobytes() for look in weighed}) == 4
    assert ask(prompt="a (ball:1.1)").same_as(weighed[2])
    assert not ask(prompt="a ball", negative_prompt="a (tree:1.6)").same_as(ask(negative_prompt="a tree"))


@pytest.mark.contract("7/guidance-one")
def test_at_guidance_1_the_negative_prompt_is_not_read(ask: Ask) -> None:
    assert ask(guidance_scale=1, negative_prompt="blue").same_as(ask(guidance_scale=1, negative_prompt="red"))
    assert not ask(guidance_scale=2, negative_prompt="blue").same_as(ask(guidance_scale=2, negative_prompt="red"))


@pytest.mark.contract("7/prompt-lora-tags")
def test_a_lora_tag_is_taken_out_of_the_prompt_and_asks_for_its_lora(server: Running, ask: Ask) -> None:
    missing = server.generate(prompt="a ball <lora:nowhere:0.5>")
    assert missing.status_code == 424
    assert "nowhere" in missing.json()["detail"]
    told = ask(prompt="a ball <lora:sd_xl_offset_example-lora_1.0:0.1>")
    assert "offset" in told.warnings
    assert metadata(server, told)["prompt"] == "a ball"
    assert told.same_as(ask())
