"""Every field that says how a picture is painted shows in its pixels, and is refused or told where it cannot be."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running, as_text


def pixels(server: Running, **fields: Any) -> np.ndarray:
    usual = {"image_seed": 5, "deterministic": True, "prompt": "a ball", "overwrite_step": 3, "guidance_scale": 5}
    record = server.made(**usual | fields)
    return np.asarray(server.picture(record["result"][0]))


@pytest.fixture(scope="module")
def usual(server: Running) -> np.ndarray:
    return pixels(server)


@pytest.mark.parametrize(
    ("neutral", "strong"),
    [
        ({"sharpness": 0}, {"sharpness": 30}),
        ({"adaptive_cfg": 5}, {"adaptive_cfg": 1.5}),
        ({"freeu_enabled": False, "freeu_b1": 1.5}, {"freeu_enabled": "true", "freeu_b1": 1.5, "freeu_s1": 0.2}),
        (dict.fromkeys(["freeu_enabled", "freeu_b1", "freeu_b2", "freeu_s1", "freeu_s2"], 1), {"freeu_enabled": 1}),
        ({"vae_name": "Default (model)"}, {"vae_name": "other.safetensors"}),
        ({"vae_name": "None"}, {"vae_name": "sub/folder"}),
        ({"prompt": "a (ball:1.0)"}, {"prompt": "a (ball:1.6)"}),
        ({"clip_skip": 1}, {"clip_skip": 2}),
        ({"sampler_name": "euler"}, {"sampler_name": "restart"}),
        ({"scheduler_name": "sgm_uniform"}, {"scheduler_name": "align_your_steps"}),
    ],
)  # fmt: skip
def test_a_field_changes_the_picture_exactly_when_it_is_not_neutral(
    server: Running, usual: np.ndarray, neutral: dict[str, Any], strong: dict[str, Any]
) -> None:
    np.testing.assert_array_equal(usual, pixels(server, **neutral))
    assert (usual != pixels(server, **strong)).any()
    np.testing.assert_array_equal(usual, pixels(server))


def test_what_was_used_is_told(server: Running) -> None:
    used = server.made(sharpness=3, vae_name="other", adaptive_cfg=6, freeu_enabled=True)["effective_params"]
    assert (used["sharpness"], used["adaptive_cfg"], used["vae"]) == (3, 6, "other.safetensors")
    assert used["freeu"] == [1.01, 1.02, 0.99, 0.95]


@pytest.mark.contract("4/loras", "4/vae_name", "4/black_out_nsfw")
@pytest.mark.parametrize(
    ("fields", "status", "field", "told"),
    [
        ({"vae_name": "othr.safetensors"}, 422, "vae_name", "other.safetensors"),
        ({"vae_name": "wide.safetensors"}, 422, "vae_name", "other checkpoints"),
        ({"vae_name": "ponyDiffusionV6XL_vae.safetensors"}, 424, "vae_name", "launch.py download"),
        ({"loras": [{"enabled": True, "model_name": "x.safetensors"}]}, 424, "loras", "x.safetensors"),
        ({"loras": [{"enabled": True, "model_name": "sdxl_lcm_lora.safetensors"}]}, 424, "loras", "launch.py download"),
        ({"loras": [{"enabled": True, "model_name": "there.safetensors"}]}, 424, "loras", "there.safetensors"),
        ({"loras": [{"enabled": True, "model_name": "wide.safetensors"}]}, 422, "loras", "does not fit"),
        ({"prompt": "a ball <lora:there:0.5>"}, 424, "prompt", "there"),
        ({"prompt": "a ball <lora:nowhere:0.5>"}, 424, "prompt", "nowhere"),
        ({"prompt": "a (ball:40)"}, 422, "prompt", "10 is the most"),
        ({"negative_prompt": "a (ball:40)"}, 422, "negative_prompt", "10 is the most"),
        ({"prompt": "a ball <lora:../../etc/passwd:1>"}, 422, "prompt", "below loras"),
        ({"black_out_nsfw": True}, 422, "black_out_nsfw", "safety checker"),
        ({"freeu_b1": 5}, 422, "freeu_b1", "4"),
        ({"sharpness": 31}, 422, "sharpness", "30"),
    ],
)
def test_what_cannot_be_had_is_refused_by_its_field(
    server: Running, fields: dict[str, Any], status: int, field: str, told: str
) -> None:
    answer = server.generate(**fields)
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert field == (said["detail"][0]["loc"][1] if status == 422 else said["field"])
    assert told in answer.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"prompt": "a ball <lora:sd_xl_offset_example-lora_1.0:0.1>"}, "offset"),
        ({"loras": [{"enabled": True, "model_name": "sd_xl_offset_example-lora_1.0.safetensors"}]}, "offset"),
        ({"adm_scaler_positive": 2.0}, "adm_scaler_positive"),
        ({"sampler_name": "heunpp2"}, "heun"),
        ({"scheduler_name": "edm_playground_v2.5"}, "karras"),
    ],
)
def test_what_gives_way_is_told(server: Running, fields: dict[str, Any], told: str) -> None:
    assert any(told in warning for warning in server.made(**fields)["warnings"])


@pytest.mark.contract("4/loras")
@pytest.mark.parametrize(
    "loras",
    [
        [],
        [{"enabled": False, "model_name": "x.safetensors"}],
        [{"enabled": True, "model_name": "None", "weight": 1.0}],
        [{"enabled": True, "model_name": "x.safetensors", "weight": 0}],
    ],
)
def test_loras_that_ask_for_nothing_are_taken(server: Running, loras: list[dict[str, Any]]) -> None:
    assert not any("LoRA" in warning for warning in server.made(loras=loras)["warnings"])


def test_an_inpaint_engine_is_for_sdxl_and_the_checkpoint_inpaints_by_itself(
    server: Running, photo: Image.Image, box_mask: Image.Image
) -> None:
    given = {"inpaint_input_image": as_text(photo), "inpaint_mask_image_upload": as_text(box_mask)}
    assert not any("inpaint_engine" in told for told in server.made(inpaint_engine="None", **given)["warnings"])
    assert any("inpaint_engine" in told for told in server.made(inpaint_engine="v2.6", **given)["warnings"])
    answer = server.generate(inpaint_engine="v2.5", **given)
    assert (answer.status_code, answer.json()["field"]) == (424, "inpaint_engine")
    assert "inpaint_v25.fooocus.patch" in answer.json()["detail"]
    assert server.made(inpaint_engine="v2.5")["task_status"] == "finished"
