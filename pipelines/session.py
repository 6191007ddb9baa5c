"""One plan on its way through an engine that others may share: its shots, and what is said and told of them."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PIL import Image

from pipelines.easels import Easel
from pipelines.engine import Stroke
from pipelines.events import Event, Finished, Message, Picture, Skipped, Step
from pipelines.orders import Action
from pipelines.plans import Drawing, EditReport, Enlarging, Painting, Pixels, Plan, Shot
from pipelines.previews import Previews

Tell = Callable[[Event], None]
Said = Callable[[], Iterable[Action]]
Between = Callable[[], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Other:
    """What a session asks of other models. passes: whether the safety checker lets a picture through."""

    enlarge: Callable[[Enlarging, Between], Pixels]
    passes: Callable[[Image.Image], bool]


@dataclass(kw_only=True, eq=False)
class _Sitting:
    """A shot in the making. `index` counts from 0; report: what its drawing has told of itself so far; steps: those of
    the runs that are behind it.
    """

    index: int
    shot: Shot
    drawing: Drawing
    report: EditReport | None = None
    steps: int = 0


class _CalledOff(Exception):
    """Something was said while an upscaler worked."""


class Session:
    """Driven by `pipelines.batch`.

    name: of its job, for the log. tight: whether memory is too short to paint it in the usual way. said: what has been
    asked for since it was last called. between: called before each tile of an upscaler. previews: tell them, too (from
    a thread of their own), from the beginning, not only once that is asked for.
    """

    def __init__(
        self,
        plan: Plan,
        easel: Easel,
        other: Other,
        *,
        name: str = "",
        tell: Tell,
        said: Said = lambda: (),
        between: Between = lambda: None,
        previews: bool = False,
    ) -> None:
        self.name, self.tight = name, False
        self._plan, self._engine, self._other = plan, easel.engine, other
        self._tell, self._said, self._between = tell, said, between
        self._glance, self._shows = easel.glance, previews
        self._previews: Previews | None = None
        self._waiting = deque(enumerate(plan.shots))
        self._sittings: dict[int, _Sitting] = {}
        self._heard: deque[Action] = deque()
        self._stopped = False
        self._finished: dict[int, Image.Image] = {}
        self._warnings: dict[str, None] = {}

    @property
    def waits(self) -> bool:
        """Whether any of its shots has not been begun."""
        return bool(self._waiting)

    @property
    def seats(self) -> int:
        """How many of its shots are being painted."""
        return len(self._sittings)

    @property
    def pictures(self) -> list[Image.Image]:
        """What is finished, in the plan's order."""
        return [self._finished[i] for i in sorted(self._finished)]

    def is_of(self, stroke: Stroke) -> bool:
        """Whether a stroke was made for it."""
        return stroke.ticket in self._sittings

    def begin(self) -> None:
        """Begin with the next shot."""
        index, shot = self._waiting.popleft()
        self._open_previews()
        self._go_on(_Sitting(index=index, shot=shot, drawing=self._plan.draw(shot)), None)

    def heed(self) -> bool:
        """Do what has been said of it; whether anything was."""
        self._hear()
        told = bool(self._heard)
        while self._heard:
            self._obey(self._heard.popleft())
        return told

    def warn(self, told: str) -> None:
        """Tell this with the end of the plan."""
        self._warnings[told] = None

    def end(self) -> None:
        """Tell that all is done."""
        self.leave()
        self._tell(Finished(warnings=tuple(self._warnings), stopped=self._stopped))

    def leave(self) -> None:
        """Give up what is being painted; it waits, to be begun anew."""
        for ticket in sorted(self._sittings, key=lambda ticket: -self._sittings[ticket].index):
            shot = self._sittings[ticket].shot
            self._waiting.appendleft((self._give_up(ticket), shot))
        if self._previews:
            self._previews.close()
            self._previews = None

    def _hear(self) -> None:
        """Take in what has been said; to be shown needs nothing to be obeyed."""
        for action in self._said():
            if action == "show":
                self._shows = True
                self._open_previews()
            else:
                self._heard.append(action)

    def _open_previews(self) -> None:
        if self._shows and self._previews is None and (glance := self._glance()):
            self._previews = Previews(glance, self._tell)

    def _obey(self, action: Action) -> None:
        """Leave everything, or the oldest image that is not finished."""
        if action == "stop":
            self._stopped = True
            self.leave()
            self._waiting.clear()
        elif self._waiting or self._sittings:
            index = self._give_up(self._oldest()) if self._sittings else self._waiting.popleft()[0]
            self._tell(Skipped(image=index + 1))

    def _oldest(self) -> int:
        """The ticket of the first image in the plan's order that is being painted."""
        return min(self._sittings, key=lambda ticket: self._sittings[ticket].index)

    def _give_up(self, ticket: int) -> int:
        """Give a sitting up; the index of its shot."""
        self._engine.withdraw(ticket)
        sitting = self._sittings.pop(ticket)
        sitting.drawing.close()
        return sitting.index

    def take(self, stroke: Stroke) -> None:
        """Tell what a stroke has done, and go on from there. Raises what went wrong with it."""
        if stroke.problem is not None:
            raise stroke.problem
        sitting = self._sittings[stroke.ticket]
        steps = max(sitting.steps + stroke.steps, self._plan.runs * self._plan.recipe.steps)
        step = sitting.steps + stroke.step
        self._tell(Step(image=sitting.index + 1, images=len(self._plan.shots), step=step, steps=steps))
        if self._previews and stroke.denoised is not None and stroke.ticket == self._oldest():
            self._previews.offer(sitting.index + 1, stroke.denoised)
        if stroke.lost:
            self.warn(f"The prompt is too long for the checkpoint; it did not read: {stroke.lost}")
        if stroke.picture is not None:
            del self._sittings[stroke.ticket]
            sitting.steps += stroke.steps
            self._go_on(sitting, stroke.picture)

    def _go_on(self, sitting: _Sitting, painted: Pixels | None) -> None:
        """Take a drawing to its next painting, which the engine gets, or to its end."""
        try:
            painting = next(sitting.drawing) if painted is None else sitting.drawing.send(painted)
            while not isinstance(painting, Painting):
                if isinstance(painting, EditReport):
                    sitting.report = painting
                    painting = next(sitting.drawing)
                    continue
                height, width = painting.image.shape[:2]
                self._tell(Message(text=f"Upscaling image from {(width, height)} ..."))
                painting = sitting.drawing.send(self._other.enlarge(painting, self._listen))
        except _CalledOff:
            self._waiting.appendleft((sitting.index, sitting.shot))
            sitting.drawing.close()
        except StopIteration as end:
            self._finish(sitting, end.value)
        else:
            self._sittings[self._engine.admit(painting, watched=self._is_watched)] = sitting

    def _is_watched(self) -> bool:
        return self._previews is not None and self._previews.wants_one

    def _listen(self) -> None:
        """Call an upscaler's work off when there is something to obey, which is done before it goes on."""
        self._hear()
        if not self._heard:
            self._between()
        if self._heard:
            raise _CalledOff

    def _finish(self, sitting: _Sitting, pixels: Pixels) -> None:
        picture = self._checked(Image.fromarray(pixels), sitting.index)
        self._finished[sitting.index] = picture
        self._tell(
            Picture(
                index=sitting.index,
                image=picture.tobytes(),
                width=picture.width,
                height=picture.height,
                seed=sitting.shot.seed,
                report=sitting.report,
            )
        )

    def _checked(self, picture: Image.Image, index: int) -> Image.Image:
        """The picture, or a black one where it was to be checked and does not pass."""
        if not self._plan.recipe.black_out_nsfw:
            return picture
        self._tell(Message(text="Checking for NSFW content ..."))
        if self._other.passes(picture):
            return picture
        self._warnings[f"Image {index + 1} of {len(self._plan.shots)} was blacked out by the safety checker."] = None
        return Image.new("RGB", picture.size)
