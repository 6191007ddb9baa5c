"""A checkpoint of flow matching answers to the same fields as any other, and tells which of them it has no use for."""

from typing import Any

import numpy as np
import pytest

from tests.server.running import Running, as_text
from tests.server.test_control import control, followed, record

FLOWS: dict[str, Any] = {"base_model_name": "flows", "prompt": "a red ball", "image_seed": 3}


def pixels(server: Running, **fields: Any) -> np.ndarray:
    return np.asarray(server.picture(server.made(**FLOWS | fields)["result"][0]))


def test_a_seed_gives_one_picture_and_guidance_is_told(server: Running) -> None:
    first = pixels(server, guidance_scale=3.0)
    np.testing.assert_array_equal(pixels(server, guidance_scale=3.0), first)
    assert (pixels(server, guidance_scale=9.0) != first).any()
    assert (pixels(server, guidance_scale=3.0, image_seed=4) != first).any()


def test_what_the_request_leaves_open_is_the_usual_of_the_checkpoint(server: Running) -> None:
    told = server.made(**FLOWS, image_number=2, overwrite_step=-1, performance_selection="Speed")
    used = told["effective_params"]
    assert len(told["result"]) == 2
    assert (used["steps"], used["guidance_scale"]) == (28, 3.5)
    assert (used["sampler"], used["scheduler"], used["sharpness"]) == ("euler", "simple", 0.0)


def test_fields_without_use_are_told(server: Running) -> None:
    fields = {"sampler_name": "dpmpp_2m_sde_gpu", "scheduler_name": "karras", "clip_skip": 3, "sharpness": 9.0}
    fields |= {"negative_prompt": "blue", "prompt": "a (red:1.4) ball"}
    told = "\n".join(server.made(**FLOWS | fields)["warnings"])
    for name in ("sampler dpmpp_2m_sde_gpu", "clip_skip", "sharpness", "negative_prompt", "brackets"):
        assert name in told
    assert "karras" not in told
    assert not [said for said in server.made(**FLOWS)["warnings"] if "not used" in said]


@pytest.mark.parametrize("extent", [{}, {"outpaint_selections": ["Right"]}])
def test_the_known_region_is_the_input_bit_for_bit(server: Running, photo, box_mask, extent) -> None:
    asked = {"inpaint_input_image": as_text(photo)} | (extent or {"inpaint_mask_image_upload": as_text(box_mask)})
    made = pixels(server, **asked)
    known = np.asarray(photo)
    hole = np.zeros((56, 72), bool) if extent else np.asarray(box_mask) > 0
    np.testing.assert_array_equal(made[:56, :72][~hole], known[~hole])
    assert (made[:, 72:].std() if extent else (made[hole] != known[hole]).mean()) > 0


def test_previews_are_shown_on_the_way_and_stop_is_heeded(server: Running) -> None:
    with followed(server, **FLOWS | {"image_number": 32}) as (task, events):
        assert next(event for event in events if event["preview"])
        control(server, action="stop", task_id=task)
        rest = list(events)
    assert rest[-1]["task_status"] == "stop"
    assert len(record(server, task)["result"]) < 32


def test_a_lora_that_fits_other_checkpoints_is_refused(server: Running) -> None:
    answer = server.generate(**FLOWS, loras=[{"model_name": "wide.safetensors", "weight": 1.0, "enabled": True}])
    assert answer.status_code == 422
    assert "wide.safetensors" in answer.text
