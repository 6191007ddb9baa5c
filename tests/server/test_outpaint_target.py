"""Pictures continued far, and to a shape."""

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running, as_text


def test_a_long_extension_is_painted_in_several_runs_and_keeps_the_picture(server: Running, photo: Image.Image) -> None:
    record = server.made(
        inpaint_input_image=as_text(photo), outpaint_selections=["Left", "Bottom"], outpaint_distance=[150, 0, 0, 100]
    )
    picture = np.asarray(server.picture(record["result"][0]))
    assert picture.shape == (156, 222, 3)
    np.testing.assert_array_equal(picture[:56, 150:], np.asarray(photo))
    assert len(record["effective_params"]["further"]) >= 4
    assert record["edit_report"][0]["known_changed_by"] == 0
    flat = np.abs(np.diff(picture[:56, :150].astype(int), axis=1)).sum()
    assert flat > 0


@pytest.mark.parametrize(("anchor", "corner"), [("center", (14, 0)), ("left", (0, 0)), ("bottom-right", (28, 0))])
def test_a_target_shape_is_reached_around_the_picture(
    server: Running, photo: Image.Image, anchor: str, corner: tuple[int, int]
) -> None:
    record = server.made(inpaint_input_image=as_text(photo), outpaint_target="16:9", outpaint_anchor=anchor)
    picture = np.asarray(server.picture(record["result"][0]))
    assert picture.shape == (56, 100, 3)
    np.testing.assert_array_equal(picture[:, corner[0] : corner[0] + 72], np.asarray(photo))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"outpaint_target": "50x50"}, "outpaint_target"),
        ({"outpaint_target": "9:7"}, "outpaint_target"),
        ({"outpaint_target": "16:9", "outpaint_selections": ["Left"]}, "outpaint_target"),
        ({"outpaint_target": "9000x9000"}, "outpaint_distance"),
    ],
)
def test_targets_that_cannot_be_are_refused(
    server: Running, photo: Image.Image, more: dict[str, object], field: str
) -> None:
    answer = server.generate(inpaint_input_image=as_text(photo), **more)
    assert answer.status_code in (413, 422), answer.text
    assert field in answer.text


def test_a_target_without_a_picture_is_refused(server: Running) -> None:
    answer = server.generate(outpaint_target="16:9")
    assert answer.status_code == 422
    assert "inpaint_input_image" in answer.text
