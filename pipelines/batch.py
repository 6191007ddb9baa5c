"""Plans that are drawn together: they share a model's passes, and come and go between two steps."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from configs import logs
from masking.machine import is_out_of_memory
from masking.residency import Residency
from pipelines import sparing
from pipelines.easels import Easel
from pipelines.engine import Stroke
from pipelines.session import Session

log = logging.getLogger(__name__)

Left = Callable[[Session, Exception | None], None]


class Batch:
    """Sessions on one easel. left: called with each that has ended, and why, if its work came to nothing.

    between: called before each step, unless there is something to obey first. A session that memory has run out for is
    put aside, and drawn in a leaner way once the others have ended.
    """

    def __init__(
        self, easel: Easel, held: Residency, *, left: Left, between: Callable[[], None] = lambda: None
    ) -> None:
        self._easel, self._held, self._left, self._between = easel, held, left, between
        self._sessions: list[Session] = []
        self._short: list[Session] = []
        self._lean = False

    def join(self, session: Session) -> None:
        """Take a session in: its first shot is begun before the next step; if it is tight, once the others are gone."""
        (self._short if session.tight else self._sessions).append(session)

    @property
    def busy(self) -> bool:
        """Whether anything is left to do."""
        return bool(self._sessions or self._short)

    @property
    def is_open(self) -> bool:
        """Whether others may still join: not while somebody waits for memory."""
        return not self._short and not self._lean

    @property
    def limit(self) -> int:
        """As many sessions as make sense by now."""
        return self._easel.engine.limit

    def go_on(self) -> None:
        """Obey what was said, then begin one shot or make one step; or draw one whole session in the leaner way."""
        if not self._sessions:
            self._draw_leaner(self._short.pop(0))
            return
        if not self._heed():
            self._between()
            self._heed()
        if (newcomer := self._next_seat()) is not None:
            with self._minded(newcomer):
                newcomer.begin()
        else:
            for stroke in self._step():
                for session in [one for one in self._sessions if one.is_of(stroke)]:  # none where it just failed
                    with self._minded(session):
                        session.take(stroke)
        self._see_off()

    def _heed(self) -> bool:
        """Have all do what was said of them; whether anything was."""
        heeded = False
        for session in (*self._sessions, *self._short):
            with self._minded(session):
                heeded = session.heed() or heeded
        return heeded

    def _next_seat(self) -> Session | None:
        """Who begins a shot: first who has none, so that a newcomer enters at the next step, then while there is room
        who has fewest.
        """
        waiting = [session for session in self._sessions if session.waits]
        if not waiting:
            return None
        chosen = min(waiting, key=lambda session: session.seats)
        taken = sum(session.seats for session in self._sessions)
        most = 1 if self._lean else self.limit
        return chosen if not chosen.seats or taken < most else None

    def _step(self) -> list[Stroke]:
        try:
            return self._easel.engine.step()
        except ConnectionError:
            raise
        except Exception as problem:  # no request's own: all are told
            for session in tuple(self._sessions):
                self._end_badly(session, problem)
            return []

    @contextmanager
    def _minded(self, session: Session) -> Iterator[None]:
        """What goes wrong with a session is its own; but where the server is gone, that is raised."""
        try:
            with logs.about(session.name):
                yield
        except ConnectionError:
            raise
        except Exception as problem:
            if is_out_of_memory(problem) and not self._lean:
                log.warning("Memory ran out: %s", problem)
                session.leave()
                self._sessions.remove(session)
                self._short.append(session)
            else:
                self._end_badly(session, problem)

    def _end_badly(self, session: Session, problem: Exception) -> None:
        session.leave()
        self._line_of(session).remove(session)
        self._left(session, problem)

    def _see_off(self) -> None:
        """Let those go who have nothing left to paint."""
        for session in (*self._sessions, *self._short):
            if not session.waits and not session.seats:
                self._line_of(session).remove(session)
                session.end()
                self._left(session, None)

    def _line_of(self, session: Session) -> list[Session]:
        return self._sessions if session in self._sessions else self._short

    def _draw_leaner(self, session: Session) -> None:
        """By itself, from what is finished of it on."""
        log.warning("Memory is too short to paint in the usual way.")
        self._held.make_way()
        session.warn(sparing.TOLD)
        self._sessions, self._lean = [session], True
        try:
            with sparing.leaner(self._easel.model):
                while self._sessions:
                    self.go_on()
        finally:
            self._lean = False
