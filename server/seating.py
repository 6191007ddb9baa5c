"""Which of several workers a plan goes to: a free one where its checkpoint lies, else the one used longest ago."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.plans import Plan
from server.worker import Worker

PATIENCE_S = 3.0
"""So long who is next waits for a worker that is at work and has its checkpoint, before another one loads that, too."""


@dataclass(kw_only=True, eq=False)
class _Seat:
    """alone: it shares with nobody, for its worker died of it or of who was with it."""

    plan: Plan
    worker: Worker
    alone: bool = False
    at_work: bool = False

    @property
    def key(self) -> str:
        return "" if self.alone else self.plan.batch_key


class Seating:
    """Every plan that has begun has a seat at one worker until its end. fits: whether a worker has room for a plan."""

    def __init__(
        self,
        workers: Sequence[Worker],
        fits: Callable[[Plan, Worker], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers = list(workers)  # who was seated at longest ago first
        self._fits, self._clock = fits, clock
        self._seats: dict[str, _Seat] = {}
        self._next = ("", 0.0)

    def take(self, job: str, plan: Plan) -> bool:
        """Give a plan a seat, if there is one for it; to be asked for who is next in turn only."""
        chosen = self._choose(job, plan)
        if chosen:
            self._seats[job] = _Seat(plan=plan, worker=chosen)
            self._workers.remove(chosen)
            self._workers.append(chosen)
        return chosen is not None

    def leave(self, job: str) -> None:
        """Its plan has ended."""
        self._seats.pop(job, None)

    def suspect(self, job: str) -> None:
        """Its worker has died: from now on it is painted by itself, so that it takes no other with it."""
        self._seats[job].alone = True

    def turn(self, job: str) -> Worker | None:
        """Who may be given a seated plan now, None: nobody yet. Its seat moves where its worker has no models."""
        seat = self._seats[job]
        if seat.worker.state != "ready":
            self._move(seat)
        others = [other for other in self._at(seat.worker) if other.at_work and other is not seat]
        return seat.worker if all(other.key == seat.key != "" for other in others) else None

    def work(self, job: str, *, begins: bool) -> str:
        """A seated plan is given to its worker, or was; the batch key that it has there."""
        self._seats[job].at_work = begins
        return self._seats[job].key

    def paints(self, worker: Worker) -> bool:
        """Whether any plan has a seat there."""
        return bool(self._at(worker))

    def _at(self, worker: Worker) -> list[_Seat]:
        return [seat for seat in self._seats.values() if seat.worker is worker]

    def _able(self, plan: Plan) -> list[Worker]:
        """Those that have their models; where there are none, those that load them; else all, which will tell why."""
        fitting = [worker for worker in self._workers if self._fits(plan, worker)] or self._workers
        for state in ("ready", "loading"):
            if found := [worker for worker in fitting if worker.state == state]:
                return found
        return fitting

    def _choose(self, job: str, plan: Plan) -> Worker | None:
        able = self._able(plan)
        free = self._free(able, plan)
        if free and _lies(plan, free[0]):
            return free[0]
        joined = [worker for worker in able if self._may_join(worker, plan)]
        if joined:
            return min(joined, key=lambda worker: len(self._at(worker)))
        return free[0] if free and not self._is_patient(job, plan, able) else None

    def _free(self, able: Sequence[Worker], plan: Plan) -> list[Worker]:
        """Who paints nothing: first those where the plan's checkpoint lies, then the others; who has least else to do
        before who has more; then of the former whom a plan was given last (it may know the texts), else longest ago.
        """
        free = [worker for worker in able if not self._at(worker)]
        there = [worker for worker in reversed(free) if _lies(plan, worker)]
        others = [worker for worker in free if not _lies(plan, worker)]
        return [*sorted(there, key=lambda worker: worker.busy), *sorted(others, key=lambda worker: worker.busy)]

    def _may_join(self, worker: Worker, plan: Plan) -> bool:
        seats = self._at(worker)
        shares = all(seat.key == plan.batch_key != "" for seat in seats)
        return bool(seats) and shares and len(seats) < worker.company

    def _is_patient(self, job: str, plan: Plan, able: Sequence[Worker]) -> bool:
        """Whether it shall wait for one of those that are at work."""
        if self._next[0] != job:
            self._next = (job, self._clock())
        return any(_lies(plan, worker) for worker in able) and self._clock() - self._next[1] < PATIENCE_S

    def _move(self, seat: _Seat) -> None:
        """To a free worker of those that can do more than its own; from one that is broken, to any of them."""
        able = self._able(seat.plan)
        if able[0].state == seat.worker.state:
            return
        free = self._free(able, seat.plan)
        if free:
            seat.worker = free[0]
        elif seat.worker.state == "broken":
            seat.worker = min(able, key=lambda worker: len(self._at(worker)))


def _lies(plan: Plan, worker: Worker) -> bool:
    return plan.recipe.checkpoint in worker.holds
