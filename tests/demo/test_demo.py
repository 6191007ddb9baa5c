"""The demo against servers that stand in: a good one passes, and each one that lies is caught."""

import base64
import io
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from demo.sheet import lay
from demo.site import Site, Wrong
from demo.walk import GROWN, Made, walk

SIDE = 48
DAY = "2026-11-21"
OBJECT = (16, 16, 31, 31)


def png(picture: Image.Image) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    return kept.getvalue()


class Stand:
    """A server's pictures, made with a pencil. A lie is a method that a test puts in another's place."""

    def __init__(self, outputs: Path) -> None:
        self.folder = outputs / DAY
        self.folder.mkdir(parents=True)

    def imagine(self) -> Image.Image:
        picture = Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB")
        ImageDraw.Draw(picture).ellipse(OBJECT, fill=(200, 30, 30))
        return picture

    def mask(self) -> Image.Image:
        mask = Image.new("L", (SIDE, SIDE))
        ImageDraw.Draw(mask).ellipse(OBJECT, fill=255)
        return mask

    def inpaint(self, picture: Image.Image) -> Image.Image:
        ImageDraw.Draw(picture).rectangle(OBJECT, fill=(30, 30, 200))
        return picture

    def outpaint(self, picture: Image.Image) -> Image.Image:
        larger = Image.new("RGB", (SIDE + SIDE // 3, SIDE + SIDE // 3), (9, 99, 9))
        larger.paste(picture, (SIDE // 3, 0))
        return larger

    def answer(self, path: str, asked: dict) -> object:
        if path.endswith("generate_mask"):
            return base64.b64encode(png(self.mask())).decode()
        if "inpaint_input_image" not in asked:
            return self.keep("first", self.imagine())
        picture = Image.open(self.folder / Path(asked["inpaint_input_image"]).name)
        outward = asked.get("outpaint_selections")
        return self.keep("third", self.outpaint(picture)) if outward else self.keep("second", self.inpaint(picture))

    def keep(self, name: str, picture: Image.Image) -> object:
        (self.folder / f"{name}.png").write_bytes(png(picture))
        return {"result": [f"{self.url}/outputs/{DAY}/{name}.png"], "warnings": ["standing in"]}

    url = ""


@pytest.fixture
def stand(tmp_path):
    stand = Stand(tmp_path)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                self.reply(200, json.dumps(stand.answer(self.path, asked)).encode())
            except NotImplementedError as refusal:
                self.reply(501, json.dumps({"detail": str(refusal)}).encode())

        def do_GET(self):
            self.reply(200, (stand.folder / Path(self.path).name).read_bytes())

        def reply(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stand.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield stand
        server.shutdown()
        thread.join()


def walked(stand: Stand) -> list[Made]:
    return walk(Site(url=stand.url, outputs=stand.folder.parent), stand.folder / "demo-mask.png")


def test_four_good_answers_are_four_pictures_each_told_with_time_file_and_url(stand, capsys):
    made = walked(stand)
    assert [one.title for one in made] == ["Text to image", "Mask", "Inpaint", "Outpaint"]
    told = capsys.readouterr().out
    for one in made:
        assert one.file.is_file()
        assert str(one.file) in told
        assert one.url in told
    assert "standing in" in told


def lie(stand: Stand, what: str, told: Callable[..., Image.Image]) -> None:
    setattr(stand, what, told)


def test_an_empty_mask_is_caught(stand):
    lie(stand, "mask", lambda: Image.new("L", (SIDE, SIDE)))
    with pytest.raises(Wrong, match=r"Mask: 0\.0%"):
        walked(stand)


def test_a_mask_of_another_size_is_caught(stand):
    lie(stand, "mask", lambda: Image.new("L", (SIDE, SIDE - 1), 90))
    with pytest.raises(Wrong, match="Mask"):
        walked(stand)


def test_a_pixel_changed_outside_the_mask_is_caught(stand):
    def leak(picture):
        picture.putpixel((OBJECT[0] - GROWN - 1, 24), (1, 2, 3))
        return picture

    lie(stand, "inpaint", leak)
    with pytest.raises(Wrong, match="1 pixels outside the mask"):
        walked(stand)


def test_an_inpaint_that_does_nothing_is_caught(stand):
    lie(stand, "inpaint", lambda picture: picture)
    with pytest.raises(Wrong, match="nothing inside"):
        walked(stand)


def test_an_outpaint_of_the_wrong_size_is_caught(stand):
    lie(stand, "outpaint", lambda picture: picture)
    with pytest.raises(Wrong, match="Outpaint"):
        walked(stand)


def test_an_outpaint_that_touches_the_old_picture_is_caught(stand):
    lie(stand, "outpaint", lambda picture: picture.resize((SIDE + SIDE // 3, SIDE + SIDE // 3)))
    with pytest.raises(Wrong, match="old picture"):
        walked(stand)


def test_a_refusal_is_told_with_its_status_and_words(stand):
    def refuse():
        raise NotImplementedError("not in this version")

    lie(stand, "imagine", refuse)
    with pytest.raises(Wrong, match=r"501.*not in this version"):
        walked(stand)


def test_a_server_that_is_not_there_is_told():
    with pytest.raises(Wrong, match="did not answer"):
        Site(url="http://127.0.0.1:9", outputs=Path()).post("/v1/engine/generate")


def test_the_sheet_has_a_card_for_every_picture_whatever_its_shape(tmp_path):
    tall, wide = Image.new("RGB", (8, 100), (200, 0, 0)), Image.new("L", (100, 8), 255)
    made = [
        Made(title="One", words="tall", seconds=1, picture=tall, file=tmp_path, url=""),
        Made(title="Two", words="wide", seconds=2, picture=wide, file=tmp_path, url=""),
    ]
    sheet = lay(made)
    assert sheet.mode == "RGB"
    assert lay(made[:1]).width < sheet.width
    assert (200, 0, 0) in {colour for _, colour in sheet.getcolors(1 << 24) or []}
