"""What lies where in memory, over HTTP."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests import toy_loras
from tests.server.running import Running
from tests.server.test_control import control, followed, until_image

MEMORY, LOAD, UNLOAD = "/v1/engines/memory", "/v1/engines/load", "/v1/engines/unload"
STARTER = ("checkpoint", "gesso-starter")


def loaded(report: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["name"]): one for one in report["models"]}


def test_what_is_loaded_is_told_with_its_size_and_what_there_is_room_for(server: Running) -> None:
    server.made()
    report = server.client.get(MEMORY).json()
    assert (report["device"], report["vram"]) == ("cpu", "auto")
    assert report["limit"] == report["total"] * 90 // 100
    assert 0 < report["used"] == sum(one["on_device"] for one in report["models"])
    assert 0 < report["free"] < report["total"]
    starter = loaded(report)[STARTER]
    assert starter["bytes"] == starter["on_device"] > 100_000
    assert (starter["place"], starter["in_use"]) == ("device", False)
    assert starter["used_at"] > 1_700_000_000_000


def test_models_are_loaded_and_unloaded_on_request(server: Running) -> None:
    upscaler = "gesso-starter-x2.safetensors"
    for asked in ({"kind": "upscaler", "name": upscaler}, {"kind": "checkpoint", "name": "sub/other"}):
        answer = server.client.post(LOAD, json=asked)
        assert answer.status_code == 200, answer.text
        assert loaded(answer.json())[asked["kind"], asked["name"]]["bytes"] > 0
    answer = server.client.post(UNLOAD, json={"kind": "upscaler"}).json()
    assert {"kind": "upscaler", "name": upscaler, "worker": 0} in answer["unloaded"]
    assert {one["kind"] for one in answer["unloaded"]} == {"upscaler"}
    assert ("upscaler", upscaler) not in loaded(answer)
    assert ("checkpoint", "sub/other") in loaded(answer)
    assert server.client.post(UNLOAD, json={"kind": "upscaler"}).json()["unloaded"] == []
    everything = server.client.post(UNLOAD).json()
    assert (everything["models"], everything["used"]) == ([], 0)
    assert server.made()["task_status"] == "finished"


@pytest.mark.parametrize("asked", [{"kind": "checkpoint", "name": "nowhere"}, {"kind": "spoon", "name": "x"}])
def test_what_does_not_exist_cannot_be_loaded(server: Running, asked: dict[str, str]) -> None:
    assert server.client.post(LOAD, json=asked).status_code == 422


def test_what_a_task_needs_stays(server: Running) -> None:
    with followed(server, image_number=32) as (_, events):
        until_image(events, 1)
        report = server.client.get(MEMORY).json()
        assert loaded(report)[STARTER]["in_use"]
        refused = server.client.post(UNLOAD, json={"kind": "checkpoint", "name": "gesso-starter"})
        kept = server.client.post(UNLOAD).json()
        control(server, action="stop")
        list(events)
    assert refused.status_code == 409
    assert "gesso-starter" in refused.json()["detail"]
    assert STARTER in loaded(kept)


def test_a_lora_that_does_not_load_is_named_and_the_next_task_goes_on(server: Running, toy_models: Path) -> None:
    begin = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    halves = {f"{begin}.lora_down.weight": torch.ones(2, 8), f"{begin}.lora_up.weight": torch.ones(5, 3)}
    toy_loras.write(halves, toy_models / "loras" / "crooked.safetensors")
    answer = server.generate(loras=[{"enabled": True, "model_name": "crooked.safetensors", "weight": 1}])
    (toy_models / "loras" / "crooked.safetensors").unlink()
    assert answer.status_code == 424, answer.text
    failed = answer.json()
    assert "crooked.safetensors" in failed["detail"]
    assert failed["field"] == "loras"
    assert server.client.get(f"/tasks/{failed['task_id']}").json()["error"] == failed["detail"]
    assert server.made()["task_status"] == "finished"
