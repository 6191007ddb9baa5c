"""Requests that differ in all but the checkpoint and the size go through real models together, over HTTP."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.server.receiving import until
from tests.server.running import Running, as_text, ready
from tests.server.test_control import followed, pixels, record, until_image


def test_an_edit_joins_a_picture_that_is_being_painted_and_does_not_feel_it(
    tmp_path: Path, toy_models: Path, photo: Image.Image, box_mask: Image.Image
) -> None:
    edit: dict[str, Any] = {"prompt": "a tree", "overwrite_step": 9, "guidance_scale": 7.5, "image_seed": 3}
    edit |= {"sampler_name": "euler_ancestral", "seam_repair": False, "inpaint_strength": 0.8}
    edit |= {"inpaint_input_image": as_text(photo), "inpaint_mask_image_upload": as_text(box_mask)}
    with ready(tmp_path, toy_models, "--max-batch", "4") as server:
        first = server.made(**edit)
        alone = pixels(server, first["result"][0]).astype(int)
        width, height = first["effective_params"]["painted"]
        with followed(server, aspect_ratios_selection=f"{width}*{height}", image_number=32) as (task_id, events):
            until_image(events, 1)
            edited = server.made(**edit)
            assert record(server, task_id)["task_status"] == "running"
            until(lambda: passes(server)[1] > passes(server)[0] > 9)
            server.client.post(f"/tasks/{task_id}/cancel")
        assert "gesso_prompt_hits 0.0" not in server.client.get("/metrics").text, "the edit's prompt came twice"
        assert np.abs(pixels(server, edited["result"][0]) - alone).max() <= 1


def passes(server: Running) -> tuple[float, float]:
    """How many passes through the model there were, and for how many pictures, as of the worker's last beat."""
    told = dict(line.rsplit(" ", 1) for line in server.client.get("/metrics").text.splitlines())
    return float(told.get("gesso_passes", 0)), float(told.get("gesso_pass_shares", 0))
