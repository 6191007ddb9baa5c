"""One sheet of all that was made: a row of labelled cards."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from demo.walk import Made

CARD, GAP, EDGE, HEAD, FOOT = 384, 36, 56, 132, 104
ROUND, MAT = 18, 12
PAPER, WHITE, INK, SOFT, ACCENT = (246, 242, 234), (255, 255, 255), (44, 40, 52), (128, 120, 130), (206, 84, 62)


def lay(made: Sequence[Made]) -> Image.Image:
    """RGB, about 1750 x 680 pixels for four: a title, and under each picture what it is, its words and its time."""
    width = 2 * EDGE + len(made) * CARD + (len(made) - 1) * GAP
    sheet = Image.new("RGB", (width, HEAD + CARD + FOOT + EDGE), PAPER)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (EDGE, 34), "Gesso", 46, INK, bold=True)
    _write(draw, (EDGE + 176, 54), "generate, mask, inpaint, outpaint", 24, SOFT)
    total = f"{sum(one.seconds for one in made):.1f} s in all"
    draw.text((width - EDGE, 54), total, fill=SOFT, font=ImageFont.load_default(24), anchor="ra")
    for number, one in enumerate(made):
        _card(sheet, one, number + 1, EDGE + number * (CARD + GAP), HEAD)
    return sheet


def _card(sheet: Image.Image, made: Made, number: int, left: int, top: int) -> None:
    box = (left, top, left + CARD, top + CARD + FOOT)
    _shadow(sheet, box)
    draw = ImageDraw.Draw(sheet)
    draw.rounded_rectangle(box, ROUND, fill=WHITE)
    picture, frame = _fitted(made.picture, CARD - 2 * MAT)
    sheet.paste(picture, (left + (CARD - picture.width) // 2, top + (CARD - picture.height) // 2), frame)
    row = top + CARD + 6
    draw.ellipse((left + 18, row, left + 52, row + 34), fill=ACCENT)
    draw.text((left + 35, row + 17), str(number), fill=WHITE, font=ImageFont.load_default(22), anchor="mm")
    _write(draw, (left + 64, row + 2), made.title, 26, INK, bold=True)
    time = f"{made.seconds:.1f} s"
    draw.text((left + CARD - 18, row + 5), time, fill=SOFT, font=ImageFont.load_default(22), anchor="ra")
    _write(draw, (left + 64, row + 44), made.words, 22, SOFT)


def _shadow(sheet: Image.Image, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    shade = Image.new("L", sheet.size)
    ImageDraw.Draw(shade).rounded_rectangle((left + 2, top + 8, right - 2, bottom + 8), ROUND, fill=70)
    sheet.paste((120, 104, 88), (0, 0), shade.filter(ImageFilter.GaussianBlur(10)))


def _fitted(picture: Image.Image, side: int) -> tuple[Image.Image, Image.Image]:
    """The picture in full within a square, and the mask that rounds its corners."""
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    corners = Image.new("L", size)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), 10, fill=255)
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS), corners


def _write(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    size: int,
    colour: tuple[int, int, int],
    *,
    bold: bool = False,
) -> None:
    draw.text(at, text, fill=colour, font=ImageFont.load_default(size), stroke_width=0.6 if bold else 0)
