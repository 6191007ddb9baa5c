"""How long a task will wait: by the pace of the tasks that ended last, and what is still before it."""

from collections.abc import Callable, Iterable, Sequence

from server.store import TaskRow, now

UNKNOWN = -1
"""The wait while no task has shown how fast this machine is."""


def estimates(
    open_tasks: Sequence[TaskRow], ended: Iterable[TaskRow], progress: Callable[[str], int]
) -> dict[str, int]:
    """Milliseconds until each waiting task begins, or UNKNOWN.

    open_tasks: those that wait or run, in the order of their turns. ended: the newest; while none of them has finished,
    what runs shows the pace. progress: 0 to 100 by task id.
    """
    running = [row for row in open_tasks if row.status == "running"]
    shares = {row.task_id: progress(row.task_id) / 100 for row in running}
    done = [(_work(row), _lasted(row)) for row in ended if row.status == "finished"]
    done = done or [(_work(row) * shares[row.task_id], _lasted(row)) for row in running if shares[row.task_id] > 0]
    work = sum(one for one, _ in done)
    pace = sum(lasted for _, lasted in done) / work if work else None
    before = sum(_work(row) * (1 - shares[row.task_id]) for row in running)
    waits: dict[str, int] = {}
    for row in open_tasks:
        if row.status == "waiting":
            waits[row.task_id] = 0 if not before else UNKNOWN if pace is None else round(before * pace)
            before += _work(row)
    return waits


def _work(row: TaskRow) -> float:
    """What a task asks of the machine: pictures × steps × pixels."""
    used = row.effective
    width, height = used.get("painted") or (used.get("width", 1), used.get("height", 1))
    return float(max(1, len(used.get("seeds", ()))) * max(1, used.get("steps", 1)) * width * height)


def _lasted(row: TaskRow) -> int:
    return max(1, (row.finished_at or now()) - (row.started_at or now()))
