"""A decided request, as a facade hands it to the queue, and the row that it becomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.plans import Plan
from server.embedded import Texts
from server.outputs import Format
from server.store import TaskRow, now

Label = Callable[[int | None], Texts]


@dataclass(frozen=True, kw_only=True)
class Order:
    """A decided request, as a facade hands it to the queue. `asked` is what its record shows of the request.

    label: what is written into a picture, by its index in the plan; into the grid of all by None.
    previews: whether small pictures shall be made of what is being painted. grid: whether one more shall show all.
    restore: what the facade needs to make this order again from the task's row; JSON values. owner: a name for the key
    that it was sent with. inputs: the names of the files in the inputs folder that it needs.
    """

    plan: Plan
    asked: Mapping[str, Any]
    form: Format
    save_name: str | None
    label: Label | None
    warnings: tuple[str, ...]
    webhook_url: str | None = None
    base_url: str = ""
    previews: bool = False
    grid: bool = False
    restore: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""
    inputs: frozenset[str] = frozenset()


def new_row(task_id: str, order: Order) -> TaskRow:
    """A new task's row, waiting."""
    return TaskRow(
        task_id=task_id,
        status="waiting",
        asked=dict(order.asked),
        plan=order.plan.to_json(),
        restore=dict(order.restore),
        grid=order.grid,
        previews=order.previews,
        form=order.form,
        save_name=order.save_name,
        keep_metadata=order.label is not None,
        warnings=[*order.warnings, *order.plan.warnings],
        effective=order.plan.effective,
        error=None,
        webhook_url=order.webhook_url,
        base_url=order.base_url,
        owner=order.owner,
        queued_at=now(),
        started_at=None,
        finished_at=None,
    )
