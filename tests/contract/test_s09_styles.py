"""Section 9: the names of styles, and what each of them does to a prompt."""

import pytest

from tests.contract.looks import Ask, metadata
from tests.pipelines.test_prompting_styles import NAMES
from tests.server.running import Running

LISTED = [name.strip() for name in " ".join(NAMES.split()).split(";")]


@pytest.mark.contract("9/list", "2/styles")
def test_the_279_names_are_listed_in_fooocus_order(server: Running) -> None:
    assert len(LISTED) == 279
    assert server.client.get("/v1/engines/styles").json() == LISTED


@pytest.mark.contract("9/every-style")
def test_every_name_is_taken_and_brings_a_text_of_its_own(server: Running, ask: Ask) -> None:
    look = ask(style_selections=LISTED[2:], overwrite_step=1)
    assert look.used["styles"] == LISTED[2:]
    texts = metadata(server, look)["full_prompt"]
    assert len(texts) == len(set(texts)) == 277
    assert all("a ball" in text and len(text) > len("a ball") for text in texts)


@pytest.mark.contract("9/negative")
def test_a_styles_negative_prompt_follows_the_requests(server: Running, ask: Ask) -> None:
    plain, dressed = (ask(negative_prompt="snow", style_selections=styles) for styles in ([], ["SAI Anime"]))
    first, *more = metadata(server, dressed)["full_negative_prompt"]
    assert (first, bool(more)) == ("snow", True)
    assert metadata(server, plain)["full_negative_prompt"] == ["snow"]


@pytest.mark.contract("9/random-style")
def test_random_style_is_drawn_by_the_seed(server: Running, ask: Ask) -> None:
    looks = [ask(style_selections=["Random Style"], image_seed=seed) for seed in range(5)]
    texts = [metadata(server, look)["full_prompt"][0] for look in looks]
    assert len(set(texts)) > 2
    assert all("a ball" in text and text != "a ball" for text in texts)
    again = server.made(prompt="a ball", style_selections=["Random Style"], image_seed=3)
    assert metadata(server, ask(style_selections=["Random Style"], image_seed=3))["full_prompt"][0] == texts[3]
    assert again["effective_params"]["styles"] == ["Random Style"]


@pytest.mark.contract("4/style_selections")
@pytest.mark.parametrize("written", ["sai anime", "SAI ANIME", "sai-anime"])
def test_a_name_is_found_however_it_is_spelled(server: Running, ask: Ask, written: str) -> None:
    assert ask(style_selections=[written]).same_as(ask(style_selections=["SAI Anime"]))
