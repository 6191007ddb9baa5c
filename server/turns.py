"""Whose turn it is: everybody who has tasks waiting gets one done in turn, each of theirs in the order of arrival."""

from server.order import Order


class Turns:
    """Orders that wait, by their tasks' ids. Who was served longest ago, or never, comes first."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[str, Order]] = {}
        self._served: dict[str, int] = {}
        self._count = 0
        self._positions: dict[str, int] | None = None

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def __contains__(self, task_id: str) -> bool:
        return any(task_id in line for line in self._lines.values())

    def add(self, task_id: str, order: Order) -> None:
        """The last of its owner's."""
        self._lines.setdefault(order.owner, {})[task_id] = order
        self._positions = None

    def next(self) -> tuple[str, Order]:
        """Take out whose turn it is. Raises ValueError where nobody waits."""
        task_id, order = self.first()
        self._count += 1
        self._served[_first(self._lines, self._served)] = self._count
        self.remove(task_id)
        return task_id, order

    def first(self) -> tuple[str, Order]:
        """Whose turn is next, left where it is. Raises ValueError where nobody waits."""
        return next(iter(self._lines[_first(self._lines, self._served)].items()))

    def remove(self, task_id: str) -> bool:
        """Forget a task; whether it waited."""
        for owner, line in self._lines.items():
            if line.pop(task_id, None) is not None:
                self._positions = None
                if not line:
                    del self._lines[owner]
                return True
        return False

    def position(self, task_id: str) -> int | None:
        """How many come before it: 0 = the next. None: it does not wait."""
        if self._positions is None:
            self._positions = {waiting: place for place, waiting in enumerate(self._in_turn())}
        return self._positions.get(task_id)

    def _in_turn(self) -> list[str]:
        lines = {owner: list(line) for owner, line in self._lines.items()}
        served, count, found = dict(self._served), self._count, []
        while lines:
            owner = _first(lines, served)
            count += 1
            served[owner] = count
            found.append(lines[owner].pop(0))
            if not lines[owner]:
                del lines[owner]
        return found


def _first(lines: dict[str, dict[str, Order]] | dict[str, list[str]], served: dict[str, int]) -> str:
    return min(lines, key=lambda owner: served.get(owner, 0))
