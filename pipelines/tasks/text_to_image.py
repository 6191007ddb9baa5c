"""A picture from words."""

from dataclasses import dataclass

from configs.settings import LIMITS
from masking.errors import InvalidValue, TooLarge
from pipelines import canvas
from pipelines.plans import Drawing, Painting, Plan, Shot, Sizes
from pipelines.tasks import Ground, Task


@dataclass(frozen=True, kw_only=True)
class TextToImage(Task):
    """A picture of `width` × `height` pixels from the prompt."""

    width: int | None = None
    height: int | None = None

    def decide(self, ground: Ground) -> "TextToImagePlan":
        """Raises InvalidValue or TooLarge for a size that cannot be."""
        width = ground.preset.width if self.width is None else self.width
        height = ground.preset.height if self.height is None else self.height
        _refuse_size(width, height)
        checkpoint = ground.checkpoint
        painted = canvas.paintable_size(width, height, checkpoint.side, checkpoint.multiple)
        return TextToImagePlan(
            preset=ground.preset.name,
            performance=ground.performance,
            recipe=ground.recipe,
            painted=painted,
            shots=ground.shots(width, height),
            warnings=(*ground.warnings, *_told(width, height, painted)),
        )


@dataclass(frozen=True, kw_only=True)
class TextToImagePlan(Plan):
    """Painted at `painted`, delivered at the shots' size."""

    kind = "text_to_image"

    @property
    def sized_by(self) -> str:
        return "width"

    def scaled(self, share: float, side: int, multiple: int) -> Sizes:
        delivered = self.shares(share)
        return Sizes(painted=canvas.paintable_size(*delivered, side, multiple), delivered=delivered)

    def draw(self, shot: Shot) -> Drawing:
        """Paint, then scale and cut to the exact size."""
        width, height = self.painted
        painted = yield Painting(recipe=self.recipe_of(shot), seed=shot.seed, width=width, height=height)
        return canvas.fit(painted, shot.width, shot.height)


PLAN = TextToImagePlan


def _refuse_size(width: int, height: int) -> None:
    for field, length in (("width", width), ("height", height)):
        if length < 1:
            raise InvalidValue(f"{field} is {length}, and must be 1 pixel or more.", field=field)
        if length > LIMITS.max_side:
            raise TooLarge(f"{field} is {length}; a side may have {LIMITS.max_side} pixels at most.", field=field)
    if width * height > LIMITS.max_pixels:
        raise TooLarge(f"{width} x {height} are more than {LIMITS.max_pixels} pixels; ask for fewer.", field="width")


def _told(width: int, height: int, painted: tuple[int, int]) -> tuple[str, ...]:
    if painted == (width, height):
        return ()
    what = f"painted at {painted[0]}x{painted[1]} and resized to {width}x{height}"
    if painted[0] * painted[1] < width * height / 2:
        return (f"The picture is {what}: more than twice the area that the checkpoint is made for.",)
    if painted[0] * painted[1] > width * height * 2:
        return (f"The picture is {what}: less than half the area that the checkpoint is made for.",)
    return (f"The picture is {what}: the checkpoint paints only some sizes.",)
