"""The mask benchmark compares what it says: questions that look at a picture with questions that need not."""

import re
from pathlib import Path

from benchmarks import masks
from tests.server.masks_zoo import MASK, zoo
from tests.server.running import Running

__all__ = ["zoo"]


def test_a_picture_is_looked_at_once_and_every_goal_has_its_row(server: Running, zoo: Path) -> None:
    parts = []

    def ask(**fields: object) -> None:
        models = {"sam_model": "gesso-sam", "dino_model": "gesso-dino", "detail": True}
        answer = server.client.post(MASK, json=fields | models)
        assert answer.status_code == 200, answer.text
        parts.append(set(answer.json()["times"]))

    times = masks.measure(ask, cases=1)
    counted = dict(zip(times, parts[-len(times) :], strict=True))
    looking = {"first click", "first words, masks", "one box", "16 boxes"}
    assert {arm for arm, told in counted.items() if "embed" in told} == looking
    assert {arm for arm, told in counted.items() if "detect" in told} == {arm for arm in times if "words" in arm}
    rows = re.findall(r"^\| ([^|]+) \| [\d.]+ s \| ([^|]+) \| [\d.]+ s \| [\d.]+ \|", masks.table(times, 1), re.M)
    assert rows == [(arm, other) for arm, other, _ in masks.COMPARED]
