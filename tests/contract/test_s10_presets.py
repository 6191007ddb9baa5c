"""Section 10: presets by their names, and which value counts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import dropped
from tests.contract.looks import Ask, metadata
from tests.server.running import GENERATE, Running

JUGGERNAUT = "juggernautXL_v8Rundiffusion.safetensors"
OFFSET = "sd_xl_offset_example-lora_1.0.safetensors"
USUAL = ["Fooocus V2", "Fooocus Enhance", "Fooocus Sharp"]

SHIPPED: dict[str, tuple[Any, ...]] = {
    "default": (JUGGERNAUT, 4.0, [(OFFSET, 0.1)], USUAL, "1152*896", "Speed"),
    "anime": ("animaPencilXL_v500.safetensors", 6.0, [],
              ["Fooocus V2", "Fooocus Semi Realistic", "Fooocus Masterpiece"], "896*1152", "Speed"),
    "realistic": ("realisticStockPhoto_v20.safetensors", 3.0, [("SDXL_FILM_PHOTOGRAPHY_STYLE_V1.safetensors", 0.25)],
                  ["Fooocus V2", "Fooocus Photograph", "Fooocus Negative"], "896*1152", "Speed"),
    "lcm": (JUGGERNAUT, 4.0, [], USUAL, "1152*896", "Extreme Speed"),
    "lightning": (JUGGERNAUT, 4.0, [], USUAL, "1152*896", "Lightning"),
    "playground_v2.5": ("playground-v2.5-1024px-aesthetic.fp16.safetensors", 2.0, [], ["Fooocus V2"], "1024*1024",
                        "Speed"),
    "pony_v6": ("ponyDiffusionV6XL.safetensors", 7.0, [], ["Fooocus Pony"], "896*1152", "Speed"),
    "sai": ("sd_xl_base_1.0_0.9vae.safetensors", 7.0, [(OFFSET, 0.5)], ["Fooocus V2", "Fooocus Cinematic"], "1152*896",
            "Speed"),
}  # fmt: skip
"""Model, guidance, LoRAs, styles, size, performance of each, as FooocusAPI's are."""


@pytest.mark.contract("10/shipped")
@pytest.mark.parametrize("name", SHIPPED)
def test_fooocusapis_presets_are_listed_with_what_they_give(server: Running, name: str) -> None:
    model, guidance, loras, styles, size, mode = SHIPPED[name]
    listed = {entry["name"]: entry["fields"] for entry in server.client.get("/v1/engines/presets").json()}
    told = listed[name]
    assert (told["base_model_name"], told["guidance_scale"], told["performance_selection"]) == (model, guidance, mode)
    assert [(lora["model_name"], lora["weight"]) for lora in told["loras"]] == loras
    assert (told["style_selections"], told["aspect_ratios_selection"], told["sharpness"]) == (styles, size, 2.0)
    playground = name == "playground_v2.5"
    assert told["sampler_name"] == ("dpmpp_2m" if playground else "dpmpp_2m_sde_gpu")
    assert told["scheduler_name"] == ("edm_playground_v2.5" if playground else "karras")
    assert bool(told["negative_prompt"]) == (name == "realistic")
    assert (told["refiner_model_name"] != "None") == (name == "sai")
    assert (told["vae_name"] != "Default (model)") == (name == "pony_v6")


@pytest.mark.contract("10/shipped", "4/preset")
@pytest.mark.parametrize("name", SHIPPED)
def test_fooocusapis_presets_give_what_was_not_sent(server: Running, ask: Ask, name: str) -> None:
    _, guidance, _, styles, _, mode = SHIPPED[name]
    used = ask(preset=name, base_model_name="gesso-starter", vae_name="None", loras=[], overwrite_step=1).used
    assert (used["guidance_scale"], used["styles"], used["performance"]) == (guidance, styles, mode)
    assert (used["sharpness"], used["preset"], used["checkpoint"]) == (2.0, name, "gesso-starter")


FULL = {
    "default_model": "sub/other",
    "default_prompt": "a preset's ball",
    "default_prompt_negative": "a preset's snow",
    "default_cfg_scale": 3.5,
    "default_sample_sharpness": 11.0,
    "default_cfg_tsnr": 3.0,
    "default_sampler": "euler",
    "default_scheduler": "karras",
    "default_clip_skip": 2,
    "default_performance": "Lightning",
    "default_overwrite_step": -1,
    "default_aspect_ratio": "80*48",
    "default_styles": ["SAI Anime"],
    "default_vae": "other.safetensors",
    "default_loras": [[True, "None", 1.0]],
    "default_refiner": "None",
    "default_inpaint_engine_version": "None",
}

MAPPED: dict[str, tuple[str, Any, Any]] = {
    "base_model_name": ("checkpoint", "sub/other", "gesso-starter"),
    "prompt": ("prompt", "a preset's ball", ""),
    "negative_prompt": ("negative_prompt", "a preset's snow", ""),
    "guidance_scale": ("guidance_scale", 3.5, 4.0),
    "sharpness": ("sharpness", 11.0, 2.0),
    "adaptive_cfg": ("adaptive_cfg", 3.0, 7.0),
    "sampler_name": ("sampler", "euler", "dpmpp_2m_sde_gpu"),
    "scheduler_name": ("scheduler", "karras", "normal"),
    "clip_skip": ("clip_skip", 2, 1),
    "performance_selection": ("performance", "Lightning", "Speed"),
    "overwrite_step": ("steps", 4, 1),
    "style_selections": ("styles", ["SAI Anime"], []),
    "vae_name": ("vae", "other.safetensors", "Default (model)"),
}
"""A request's field → its name in what was used, what the preset above gives, and another value to send: mostly
FooocusAPI's default, which counts, too, once it is sent."""


@pytest.fixture
def full(toy_models: Path) -> Iterator[None]:
    """A user's preset that has every key."""
    with dropped(toy_models.parent / "presets" / "full.json", json.dumps(FULL)):
        yield


@pytest.mark.contract("10/own-presets", "10/mapped-fields")
def test_every_key_of_a_users_preset_gives_its_own_field(server: Running, full: None) -> None:
    record = server.client.post(GENERATE, json={"preset": "full"}).json()
    used = record["effective_params"]
    assert {name: used[key] for name, (key, _, _) in MAPPED.items()} == {
        name: given for name, (_, given, _) in MAPPED.items()
    }
    assert server.picture(record["result"][0]).size == (80, 48)


@pytest.mark.contract("10/merge", "10/mapped-fields")
@pytest.mark.parametrize("name", MAPPED)
def test_what_is_sent_wins_even_where_it_is_the_default(server: Running, full: None, name: str) -> None:
    key, given, sent = MAPPED[name]
    more = {} if name == "overwrite_step" else {"overwrite_step": 1}
    used = server.client.post(GENERATE, json={"preset": "full", name: sent, **more}).json()["effective_params"]
    assert used[key] == ("" if name == "vae_name" else sent)
    others = {other: used[at] for other, (at, _, _) in MAPPED.items() if other not in (name, "overwrite_step")}
    assert others == {other: MAPPED[other][1] for other in others}
    assert given != sent


@pytest.mark.contract("10/merge")
def test_a_size_that_is_sent_wins(server: Running, full: None) -> None:
    record = server.client.post(GENERATE, json={"preset": "full", "aspect_ratios_selection": "1152*896"}).json()
    assert server.picture(record["result"][0]).size == (1152, 896)


@pytest.mark.contract("10/mapped-fields")
def test_a_presets_guidance_does_not_land_in_adaptive_cfg(server: Running, ask: Ask) -> None:
    look = ask(preset="mine")
    assert (look.used["guidance_scale"], look.used["adaptive_cfg"]) == (3.0, 7.0)
    assert metadata(server, look)["guidance_scale"] == 3.0
    assert "adaptive_cfg" not in metadata(server, look)


@pytest.mark.contract("10/missing-keys")
@pytest.mark.parametrize("more", [{}, {"default_sampler": None, "default_vae": None, "default_styles": None}])
def test_a_key_that_is_missing_or_null_is_as_in_fooocus(
    server: Running, toy_models: Path, more: dict[str, None]
) -> None:
    told = {"default_model": "gesso-starter"} | more
    with dropped(toy_models.parent / "presets" / "bare.json", json.dumps(told)):
        used = server.made(preset="bare")["effective_params"]
    assert (used["sampler"], used["scheduler"], used["guidance_scale"]) == ("dpmpp_2m_sde_gpu", "karras", 7.0)
    assert (used["sharpness"], used["vae"], used["performance"], used["styles"]) == (2.0, "", "Speed", [])


@pytest.mark.contract("10/initial", "4/preset")
def test_initial_is_the_servers_own_preset(ask: Ask) -> None:
    for name in ("initial", "", "starter"):
        assert ask(preset=name).used["preset"] == "starter"
        assert ask(preset=name).same_as(ask())


@pytest.mark.contract("10/unknown-preset")
def test_an_unknown_preset_is_refused_with_the_nearest(server: Running) -> None:
    answer = server.generate(preset="realistc")
    assert answer.status_code == 422
    told = answer.json()["detail"][0]
    assert told["loc"] == ["body", "preset"]
    assert "realistic" in told["msg"]


@pytest.mark.contract("10/weights-by-name")
@pytest.mark.parametrize(
    ("fields", "blamed", "file"),
    [
        ({"base_model_name": "sd_xl_base_1.0_0.9vae.safetensors"}, "base_model_name",
         "sd_xl_base_1.0_0.9vae.safetensors"),
        ({"vae_name": "ponyDiffusionV6XL_vae.safetensors"}, "vae_name", "ponyDiffusionV6XL_vae.safetensors"),
        ({"loras": [{"enabled": True, "model_name": "sdxl_lcm_lora.safetensors"}]}, "loras",
         "sdxl_lcm_lora.safetensors"),
        ({"inpaint_engine": "v1"}, "inpaint_engine", "inpaint.fooocus.patch"),
        ({"inpaint_engine": "v2.5"}, "inpaint_engine", "inpaint_v25.fooocus.patch"),
    ],
)  # fmt: skip
def test_fooocus_weights_are_known_by_their_names_and_can_be_fetched_by_them(
    server: Running, edit: dict[str, str], fields: dict[str, Any], blamed: str, file: str
) -> None:
    answer = server.generate(**fields, **(edit if blamed == "inpaint_engine" else {}))
    assert (answer.status_code, answer.json()["field"]) == (424, blamed)
    assert f"launch.py download {file} " in answer.json()["detail"]


@pytest.mark.contract("10/weights-by-name")
def test_weights_are_found_in_fooocus_folders(server: Running, toy_models: Path) -> None:
    for folder, key in (("checkpoints", "model_filenames"), ("loras", "lora_filenames")):
        with dropped(toy_models / folder / "sub" / "named.safetensors", ""):
            assert "sub/named.safetensors" in server.client.get("/v1/engines/all-models").json()[key]
