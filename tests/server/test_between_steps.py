"""Tools are used between the denoising steps of a task that runs, and leave its pixels alone."""

import threading

import numpy as np
from PIL import Image

from tests.server.running import Running, as_text
from tests.server.test_control import control, followed, pixels, record, until_image

MASK = "/v1/tools/generate_mask"


def test_masks_are_made_while_a_task_is_painted_and_its_pixels_stay_the_same(server: Running) -> None:
    undisturbed = server.made(overwrite_step=50, image_seed=5, image_number=3)["result"]
    text = as_text(Image.new("RGB", (40, 24), "red"))
    with followed(server, overwrite_step=50, image_number=3) as (task_id, events):
        until_image(events, 1)
        for _ in range(3):
            assert server.client.post(MASK, json={"image": text}).status_code == 200
        assert record(server, task_id)["task_status"] == "running"
        disturbed = list(events)[-1]["images"]
    assert len(disturbed) == 3
    for one, other in zip(undisturbed, disturbed, strict=True):
        np.testing.assert_array_equal(pixels(server, one), pixels(server, other))


def test_a_task_can_be_stopped_while_masks_wait(server: Running) -> None:
    statuses: list[int] = []
    text = as_text(Image.new("RGB", (300, 200), "red"))

    def ask() -> None:
        statuses.append(server.client.post(MASK, json={"image": text}).status_code)

    asking = [threading.Thread(target=ask) for _ in range(6)]
    with followed(server, image_number=32) as (_, events):
        until_image(events, 1)
        for thread in asking:
            thread.start()
        control(server, action="stop")
        assert list(events)[-1]["task_status"] == "stop"
    for thread in asking:
        thread.join()
    assert statuses == [200] * 6
