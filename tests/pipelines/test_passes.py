"""Runs that fill long margins, and targets that become margins."""

import numpy as np
import pytest

from masking.errors import InvalidValue
from pipelines import passes
from pipelines.targets import margins_to


@pytest.mark.parametrize(
    ("size", "margins", "side"),
    [
        ((64, 64), (200, 0, 0, 0), 64),
        ((71, 50), (90, 33, 120, 7), 64),
        ((300, 40), (0, 500, 0, 500), 64),
        ((1, 1), (40, 40, 40, 40), 64),
        ((640, 480), (700, 0, 0, 300), 256),
    ],
)
def test_strips_fill_the_margins_once_each_joined_to_what_is_known(size, margins, side):
    left, top, right, bottom = margins
    state = np.zeros((size[1] + top + bottom, size[0] + left + right), int)
    state[top : top + size[1], left : left + size[0]] = 1
    for region, box in passes.strips(size, margins, side):
        inside = (slice(region[1], region[3]), slice(region[0], region[2]))
        window = (slice(box[1], box[3]), slice(box[0], box[2]))
        assert (state[inside] == 0).all()
        state[inside] = 1
        assert (state[window] == 1).all()
        assert box[0] <= region[0] <= region[2] <= box[2]
        assert box[1] <= region[1] <= region[3] <= box[3]
        wide, high = region[2] - region[0], region[3] - region[1]
        at_the_side = high == box[3] - box[1] and wide < box[2] - box[0]
        depth, length = (wide, high) if at_the_side else (high, wide)
        assert 2 * depth <= max(side, length)
    assert (state == 1).all()


def test_a_third_of_any_picture_needs_one_run():
    for size in ((256, 256), (1000, 300), (300, 1000), (4000, 3000)):
        third = (size[0] // 3, 0, 0, size[1] // 3)
        if max(size) <= 1.5 * min(size):
            assert not passes.are_long(size, third, 256)


@pytest.mark.parametrize(
    ("size", "target", "anchor", "margins"),
    [
        ((90, 90), "16:9", "center", (35, 0, 35, 0)),
        ((160, 90), "1:1", "top", (0, 0, 0, 70)),
        ((160, 90), "1:1", "bottom-left", (0, 70, 0, 0)),
        ((100, 50), "120x80", "center", (10, 15, 10, 15)),
        ((100, 50), " 120 * 80 ", "right", (20, 15, 0, 15)),
        ((3, 3), "2.35:1", "left", (0, 0, 4, 0)),
    ],
)
def test_a_target_becomes_margins(size, target, anchor, margins):
    assert margins_to(size, target, anchor) == margins


@pytest.mark.parametrize(
    ("target", "anchor", "field"),
    [
        ("wide", "center", "outpaint_target"),
        ("0:9", "center", "outpaint_target"),
        ("99x50", "center", "outpaint_target"),
        ("2:1", "center", "outpaint_target"),
        ("16:9", "middle", "outpaint_anchor"),
    ],
)
def test_a_target_that_cannot_be_is_refused(target, anchor, field):
    with pytest.raises(InvalidValue) as refusal:
        margins_to((100, 50), target, anchor)
    assert refusal.value.field == field
