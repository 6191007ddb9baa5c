"""LoRAs over HTTP: of one request alone."""

from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest

from configs.settings import Settings
from pipelines.checkpoints import find
from pipelines.families import families
from tests import toy_loras
from tests.server.running import Running


@pytest.fixture(scope="session")
def lora(toy_models: Path) -> str:
    """A LoRA that fits the server's checkpoint."""
    settings = Settings(models_path=toy_models)
    found = find("gesso-starter", settings)
    model = families()[found.family].load(found, "cpu", settings)
    toy_loras.write(toy_loras.kohya(toy_loras.deltas(model)), toy_models / "loras" / "mine" / "fits.safetensors")
    return "mine/fits.safetensors"


def pixels(server: Running, **fields: object) -> np.ndarray:
    return np.asarray(server.picture(server.made(image_seed=1, **fields)["result"][0]))


@pytest.mark.contract("4/loras", "7/prompt-lora-tags")
def test_a_lora_changes_the_picture_and_nothing_after_it(server: Running, lora: str) -> None:
    before = pixels(server)
    strong = pixels(server, loras=[{"enabled": True, "model_name": lora, "weight": 1.5}])
    np.testing.assert_array_equal(pixels(server), before)
    tagged = pixels(server, prompt="<lora:fits:1.5>", loras=[])
    assert (strong != before).any()
    np.testing.assert_array_equal(tagged, strong)


@pytest.mark.contract("4/loras", "7/prompt-lora-tags", "17/fooocus-optional", "17/read-back")
def test_a_loras_picture_tells_of_it_and_can_be_made_again(server: Running, lora: str) -> None:
    worn = [{"enabled": True, "model_name": "fits", "weight": 0.75}]
    made = server.made(image_seed=2, prompt="a ball <lora:fits:0.25>", loras=worn, deterministic=True)
    assert made["effective_params"]["loras"] == [{"name": lora, "weight": 0.75}]
    picture = server.client.get(made["result"][0]).content
    told = server.client.post("/v1/tools/read-metadata", json={"image": b64encode(picture).decode()}).json()
    assert told["request"]["loras"] == [{"enabled": True, "model_name": lora, "weight": 0.75}]
    assert "fits" in told["parameters"]
    again = server.client.post("/v1/engine/generate", json=told["request"]).json()
    np.testing.assert_array_equal(
        np.asarray(server.picture(again["result"][0])), np.asarray(server.picture(made["result"][0]))
    )
