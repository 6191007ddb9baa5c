"""Section 4: fields that say how a picture is painted. Each shows in the pixels, and keeps to its type and range."""

from typing import Any

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from tests.contract.looks import Ask, metadata, parameters
from tests.server.running import Running

OTHER = "sub/other"
LARGE = {"base_model_name": "large"}
"""A toy of SDXL's kind."""


def field(name: str, usual: dict[str, Any], other: dict[str, Any]) -> ParameterSet:
    return pytest.param(usual, other, marks=pytest.mark.contract(f"4/{name}"), id=name)


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        field("prompt", {"prompt": "a ball"}, {"prompt": "a tree"}),
        field("prompt", {"prompt": "a ball"}, {"prompt": "a ball\na tree"}),
        field("negative_prompt", {"negative_prompt": ""}, {"negative_prompt": "blue"}),
        field("negative_prompt", {"negative_prompt": "blue"}, {"negative_prompt": "blue\ngreen"}),
        field("style_selections", {"style_selections": []}, {"style_selections": ["SAI Anime"]}),
        field("sharpness", {"sharpness": 0}, {"sharpness": 30}),
        field("guidance_scale", {"guidance_scale": 5}, {"guidance_scale": 9}),
        field("adaptive_cfg", {"guidance_scale": 9, "adaptive_cfg": 9}, {"guidance_scale": 9, "adaptive_cfg": 2}),
        field("clip_skip", {"clip_skip": 1}, {"clip_skip": 2}),
        field("sampler_name", {"sampler_name": "euler_ancestral"}, {"sampler_name": "dpmpp_2m"}),
        field("scheduler_name", {"scheduler_name": "sgm_uniform"}, {"scheduler_name": "karras"}),
        field("vae_name", {"vae_name": "Default (model)"}, {"vae_name": "other.safetensors"}),
        field("base_model_name", {"base_model_name": "gesso-starter"}, {"base_model_name": OTHER}),
        field("overwrite_step", {"overwrite_step": 3}, {"overwrite_step": 4}),
        field("image_seed", {"image_seed": 5}, {"image_seed": 6}),
        field("adm_scaler_positive", LARGE, LARGE | {"adm_scaler_positive": 3}),
        field("adm_scaler_negative", LARGE, LARGE | {"adm_scaler_negative": 3}),
        field("adm_scaler_end", LARGE | {"adm_scaler_end": 0}, LARGE | {"adm_scaler_end": 1}),
        field("freeu", {"freeu_enabled": False}, {"freeu_enabled": True, "freeu_b1": 1.5}),
        field("freeu", {"freeu_enabled": True}, {"freeu_enabled": True, "freeu_b2": 1.5}),
        field("freeu", {"freeu_enabled": True}, {"freeu_enabled": True, "freeu_s1": 0.2}),
        field("freeu", {"freeu_enabled": True}, {"freeu_enabled": True, "freeu_s2": 0.2}),
    ],
)
def test_a_field_of_its_own_value_makes_another_picture(ask: Ask, usual: dict[str, Any], other: dict[str, Any]) -> None:
    assert not ask(**usual).same_as(ask(**other))


@pytest.mark.parametrize(
    ("neutral", "with_field"),
    [
        field("adaptive_cfg", {"guidance_scale": 5}, {"guidance_scale": 5, "adaptive_cfg": 6}),
        field("freeu", {}, {"freeu_enabled": False, "freeu_b1": 1.5, "freeu_b2": 1.5, "freeu_s1": 0.2, "freeu_s2": 0}),
        field("vae_name", {}, {"vae_name": "Default (model)"}),
        field("vae_name", {}, {"vae_name": "None"}),
        field("overwrite_step", {"overwrite_step": -1, "performance_selection": "Lightning"}, {"overwrite_step": 4}),
        field("overwrite_step", {"overwrite_step": 0, "performance_selection": "Lightning"}, {"overwrite_step": 4}),
        field("overwrite_width", {}, {"overwrite_width": -1, "overwrite_height": 0}),
        field("read_wildcards_in_order", {}, {"read_wildcards_in_order": True}),
    ],
)
def test_a_neutral_value_asks_for_nothing(ask: Ask, neutral: dict[str, Any], with_field: dict[str, Any]) -> None:
    assert ask(**neutral).same_as(ask(**with_field))


@pytest.mark.contract("4/prompt", "4/style_selections")
def test_a_style_dresses_line_1_and_the_other_lines_follow(server: Running, ask: Ask) -> None:
    told = metadata(server, ask(prompt="a ball\n\n a tree \na cloud", style_selections=["SAI Anime"]))
    assert "a ball" in told["full_prompt"][0]
    assert told["full_prompt"][0] != "a ball"
    assert told["full_prompt"][1:] == ["a tree", "a cloud"]


@pytest.mark.contract("4/style_selections")
def test_the_styles_of_fooocusapis_default_are_those_of_the_preset_default(server: Running) -> None:
    usual = server.made()["req_params"]["style_selections"]
    assert usual == ["Fooocus V2", "Fooocus Enhance", "Fooocus Sharp"]
    assert server.made(preset="default")["effective_params"]["styles"] == usual


@pytest.mark.contract("4/style_selections", "9/unknown-style")
def test_an_unknown_style_is_refused_with_the_nearest(server: Running) -> None:
    answer = server.generate(style_selections=["SAI Anime", "Fooocus Sharpp"])
    assert answer.status_code == 422
    assert "Fooocus Sharp" in answer.json()["detail"][0]["msg"]


@pytest.mark.contract("4/performance_selection")
@pytest.mark.parametrize("name", ["Quality", "Speed", "Extreme Speed", "Lightning", "Hyper-SD"])
def test_a_mode_by_its_name_is_shown_and_written_into_the_picture(server: Running, ask: Ask, name: str) -> None:
    look = ask(performance_selection=name)
    assert (look.used["performance"], look.record["req_params"]["performance_selection"]) == (name, name)
    assert metadata(server, look)["performance"] == name


@pytest.mark.contract("4/aspect_ratios_selection")
@pytest.mark.parametrize(("asked", "size"), [("64*96", (64, 96)), ("81×50", (81, 50)), ("128 x 64", (128, 64))])
def test_the_picture_has_the_size_that_was_asked(ask: Ask, asked: str, size: tuple[int, int]) -> None:
    look = ask(aspect_ratios_selection=asked)
    assert look.pixels.shape == (size[1], size[0], 3)
    assert look.record["req_params"]["aspect_ratios_selection"] == f"{size[0]}×{size[1]}"


@pytest.mark.contract("4/overwrite_width", "4/overwrite_height")
def test_a_width_or_height_above_0_wins(ask: Ask) -> None:
    assert ask(overwrite_width=96).pixels.shape == (64, 96, 3)
    assert ask(overwrite_height=80).pixels.shape == (80, 64, 3)
    assert ask(overwrite_width=50, overwrite_height=-1, aspect_ratios_selection="64*90").pixels.shape == (90, 50, 3)


@pytest.mark.contract("4/image_number")
def test_so_many_pictures_are_made_as_were_asked(server: Running) -> None:
    for number in (1, 3, 32):
        record = server.made(image_number=number, image_seed=1)
        assert len(set(record["result"])) == number
        assert record["result_seeds"] == list(range(1, number + 1))


@pytest.mark.contract("4/image_seed")
def test_a_seed_below_0_is_drawn_and_each_time_another(server: Running) -> None:
    drawn = [server.made(image_seed=seed)["result_seeds"][0] for seed in (-1, -1, -7)]
    assert len(set(drawn)) == 3
    assert all(0 <= seed < 2**53 for seed in drawn)


@pytest.mark.contract("4/disable_seed_increment")
def test_without_the_increment_all_pictures_are_one(server: Running) -> None:
    record = server.made(image_number=2, image_seed=5, disable_seed_increment=True)
    assert record["result_seeds"] == [5, 5]
    one, other = (np.asarray(server.picture(url)) for url in record["result"])
    np.testing.assert_array_equal(one, other)


@pytest.mark.contract("4/read_wildcards_in_order")
def test_in_order_picture_i_takes_line_i(server: Running, users_words: list[str]) -> None:
    asked = {"prompt": "a __own-words__", "image_number": 3, "image_seed": 5, "disable_seed_increment": True}
    ordered = server.made(**asked, read_wildcards_in_order="true")
    told = [parameters(server, url)["full_prompt"] for url in ordered["result"]]
    assert told == [[f"a {word}"] for word in users_words]
    drawn = server.made(**asked, read_wildcards_in_order="false")
    assert len({parameters(server, url)["full_prompt"][0] for url in drawn["result"]}) == 1


@pytest.mark.contract("4/base_model_name")
def test_the_checkpoint_that_was_asked_is_used_and_told(server: Running, ask: Ask) -> None:
    look = ask(base_model_name=OTHER)
    assert look.used["checkpoint"] == OTHER
    assert OTHER in server.client.get("/v1/engines/all-models").json()["model_filenames"]
    unknown = server.generate(base_model_name="sub/othr.safetensors")
    assert unknown.status_code == 422
    assert OTHER in unknown.json()["detail"][0]["msg"]
    perhaps_a_repository = server.generate(base_model_name="sub/othr")
    assert perhaps_a_repository.status_code == 424
    assert OTHER in perhaps_a_repository.text


@pytest.mark.contract("4/adm_scaler_positive", "4/adm_scaler_negative", "4/adm_scaler_end")
@pytest.mark.parametrize("name", ["adm_scaler_positive", "adm_scaler_negative", "adm_scaler_end"])
def test_what_only_sdxl_is_told_is_told_to_be_unused_elsewhere(ask: Ask, name: str) -> None:
    look = ask(**{name: 0.5})
    assert f"{name} was not used" in look.warnings
    assert look.same_as(ask())


@pytest.mark.contract("4/black_out_nsfw")
def test_nothing_passes_unchecked_without_a_safety_checker(server: Running, ask: Ask) -> None:
    answer = server.generate(black_out_nsfw=True)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "black_out_nsfw"]
    assert ask(black_out_nsfw=False).same_as(ask())
