"""How long a task is said to wait."""

from typing import Any

from server.store import TaskRow, now
from server.waiting import UNKNOWN, estimates


def test_the_wait_is_what_is_before_a_task_at_the_pace_of_the_last_ones() -> None:
    ended = [_row("before", "finished", started_at=1000, finished_at=2000), _row("broken", "failed")]
    waits = estimates([_row("now", "running"), _row("a", "waiting", images=2), _row("b", "waiting")], ended, _half)
    assert waits == {"a": 500, "b": 2500}


def test_while_nothing_has_finished_the_running_task_shows_the_pace() -> None:
    waits = estimates([_row("now", "running", started_at=now() - 60_000), _row("a", "waiting")], [], _half)
    assert 60_000 <= waits["a"] < 70_000


def test_nothing_before_it_is_no_wait_and_no_pace_is_no_guess() -> None:
    assert estimates([_row("a", "waiting"), _row("b", "waiting")], [], _half) == {"a": 0, "b": UNKNOWN}


def _half(_task_id: str) -> int:
    return 50


def _row(task_id: str, status: str, *, images: int = 1, **times: Any) -> TaskRow:
    effective = {"seeds": [1] * images, "steps": 10, "painted": [64, 64]}
    return TaskRow(task_id=task_id, status=status, effective=effective, **times)
