"""Presets, ours and a user's own: listed, and what a request does not say comes from them."""

import pytest

from tests.server.running import GENERATE, Running

SHIPPED = ("anime", "default", "lcm", "lightning", "playground_v2.5", "pony_v6", "realistic", "sai", "starter")


def listed(server: Running) -> dict[str, dict]:
    return {entry["name"]: entry for entry in server.client.get("/v1/engines/presets").json()}


def test_every_preset_is_listed_with_what_it_would_use(server: Running) -> None:
    found = listed(server)
    assert {*SHIPPED, "mine"} <= set(found)
    assert [name for name, entry in found.items() if entry["active"]] == ["starter"]
    assert found["starter"]["installed"]
    assert not found["anime"]["installed"]
    fields = found["sai"]["fields"]
    assert (fields["guidance_scale"], fields["refiner_model_name"]) == (7.0, "sd_xl_refiner_1.0_0.9vae.safetensors")
    assert fields["loras"] == [
        {"enabled": True, "model_name": "sd_xl_offset_example-lora_1.0.safetensors", "weight": 0.5}
    ]
    assert found["pony_v6"]["fields"]["vae_name"] == "ponyDiffusionV6XL_vae.safetensors"
    assert len(found["default"]["aspect_ratios"]) == 26


@pytest.mark.contract("10/own-presets")
def test_a_users_preset_is_listed_as_such_and_a_damaged_one_tells_why(server: Running) -> None:
    found = listed(server)
    assert found["mine"]["own"]
    assert not found["starter"]["own"]
    assert found["broken"]["fields"] is None
    assert "broken.json" in found["broken"]["error"]


@pytest.mark.contract("0/preset-merge")
def test_what_is_not_sent_comes_from_the_users_preset(server: Running) -> None:
    record = server.client.post(GENERATE, json={"preset": "mine"}).json()
    used = record["effective_params"]
    assert (used["prompt"], used["guidance_scale"], used["steps"], used["preset"]) == ("a red ball", 3.0, 2, "mine")
    assert (used["vae"], used["sharpness"], used["styles"]) == ("other.safetensors", 7.0, ["SAI Anime"])
    assert server.picture(record["result"][0]).size == (64, 96)
    assert any("ddim does not follow the scheduler karras" in warning for warning in record["warnings"])


@pytest.mark.contract("0/preset-merge", "10/merge")
def test_what_is_sent_wins_over_the_preset_even_at_fooocusapis_default(server: Running) -> None:
    used = server.made(preset="mine", prompt="", guidance_scale=4.0, sharpness=2.0)["effective_params"]
    assert (used["prompt"], used["guidance_scale"], used["sharpness"], used["steps"]) == ("", 4.0, 2.0, 1)


@pytest.mark.parametrize(("name", "steps"), [("default", 30), ("lcm", 8), ("lightning", 4)])
def test_presets_of_fooocusapis_default_checkpoint_run_on_the_servers_own(
    server: Running, name: str, steps: int
) -> None:
    record = server.made(preset=name, overwrite_step=-1 if steps < 30 else 1)
    assert record["effective_params"]["checkpoint"] == "gesso-starter"
    assert record["effective_params"]["steps"] == (steps if steps < 30 else 1)
    assert any("juggernautXL" in warning for warning in record["warnings"])


@pytest.mark.contract("10/downloads")
@pytest.mark.parametrize("name", ["anime", "realistic", "pony_v6", "playground_v2.5", "sai", "far"])
def test_a_preset_whose_checkpoint_is_missing_is_424_with_the_way_to_get_it(server: Running, name: str) -> None:
    answer = server.generate(preset=name)
    assert answer.status_code == 424
    assert answer.json()["field"] == "preset"
    assert "launch.py download" in answer.json()["detail"]


@pytest.mark.contract("0/unknown-names")
@pytest.mark.parametrize(("name", "told"), [("startr", "starter"), ("broken", "broken.json")])
def test_an_unknown_or_damaged_preset_is_422(server: Running, name: str, told: str) -> None:
    answer = server.generate(preset=name)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "preset"]
    assert told in answer.json()["detail"][0]["msg"]


def test_initial_is_the_servers_own_preset(server: Running) -> None:
    assert server.made(preset="initial")["effective_params"]["preset"] == "starter"


@pytest.mark.parametrize(("name", "steps"), [("Extreme Speed", 8), ("Lightning", 4), ("Hyper-SD", 4)])
def test_fast_modes_take_few_steps_and_say_that_their_lora_is_missing(server: Running, name: str, steps: int) -> None:
    record = server.made(performance_selection=name, overwrite_step=-1)
    assert record["effective_params"]["steps"] == steps
    assert any("LoRA" in warning for warning in record["warnings"])
