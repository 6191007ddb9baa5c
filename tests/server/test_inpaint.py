"""Inpaint and outpaint over HTTP: what is kept, what is painted, and where pictures may come from."""

import io
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running, as_text


@pytest.fixture
def elsewhere(tmp_path: Path, photo: Image.Image) -> Iterator[str]:
    """The URL of another web server that has the photo."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    photo.save(tmp_path / "photo.png")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{other.server_port}"
        other.shutdown()
        thread.join()


@pytest.mark.contract("0/inpaint-keeps-the-rest", "3/req-params-tab", "7/inpaint-paste", "7/inpaint-size")
def test_inpaint_keeps_what_the_mask_leaves_out(server: Running, photo: Image.Image, box_mask: Image.Image) -> None:
    record = server.made(
        prompt="a red ball", inpaint_input_image=as_text(photo), inpaint_mask_image_upload=as_text(box_mask)
    )
    before, after = np.asarray(photo), np.asarray(server.picture(record["result"][0]))
    painted = np.asarray(box_mask) > 0
    assert after.shape == before.shape
    np.testing.assert_array_equal(after[~painted], before[~painted])
    assert (after[painted] != before[painted]).any()
    assert record["req_params"]["current_tab"] == "inpaint"


@pytest.mark.contract("0/invert-mask")
def test_an_inverted_mask_keeps_the_box(server: Running, photo: Image.Image, box_mask: Image.Image) -> None:
    record = server.made(
        inpaint_input_image=as_text(photo), inpaint_mask_image_upload=as_text(box_mask), invert_mask_checkbox=True
    )
    before, after = np.asarray(photo), np.asarray(server.picture(record["result"][0]))
    kept = np.asarray(box_mask) > 0
    np.testing.assert_array_equal(after[kept], before[kept])


@pytest.mark.contract("0/outpaint-a-third", "7/outpaint-default-distance", "7/outpaint-keeps-the-old")
def test_outpaint_adds_a_third_and_leaves_the_old_picture(server: Running, photo: Image.Image) -> None:
    record = server.made(inpaint_input_image=as_text(photo), outpaint_selections=["Left", "Bottom"])
    after = np.asarray(server.picture(record["result"][0]))
    assert after.shape == (56 + 18, 72 + 24, 3)
    np.testing.assert_array_equal(after[:56, 24:], np.asarray(photo))


@pytest.mark.contract("0/outpaint-a-third", "7/outpaint-distance")
def test_outpaint_takes_the_distance_that_is_given(server: Running, photo: Image.Image) -> None:
    record = server.made(
        inpaint_input_image=as_text(photo), outpaint_selections=["Top", "Right"], outpaint_distance=[9, 8, 16, 0]
    )
    after = np.asarray(server.picture(record["result"][0]))
    assert after.shape == (56 + 8, 72 + 16, 3)
    np.testing.assert_array_equal(after[8:, :72], np.asarray(photo))


@pytest.mark.contract("5/alpha-on-white")
def test_pictures_are_turned_upright_and_laid_on_white(server: Running, photo: Image.Image) -> None:
    turned, exif = photo.rotate(90, expand=True), Image.Exif()
    exif[0x0112] = 6
    clear = photo.convert("RGBA")
    clear.putalpha(0)
    for sent, form, seen in (
        (as_text(turned, "PNG", exif=exif), "turned", np.asarray(photo)),
        (as_text(clear), "clear", np.full((56, 72, 3), 255)),
    ):
        record = server.made(inpaint_input_image=sent, outpaint_selections=["Right"])
        after = np.asarray(server.picture(record["result"][0]))
        np.testing.assert_array_equal(after[:, :72], seen, err_msg=form)
        kept = server.picture(record["req_params"]["inpaint_input_image"])
        np.testing.assert_array_equal(np.asarray(kept), seen, err_msg=form)


@pytest.mark.contract("4/image-values")
def test_an_image_may_be_a_data_url_or_a_url(server: Running, photo: Image.Image, elsewhere: str) -> None:
    text = as_text(photo)
    own = server.made(inpaint_input_image=f"data:image/png;base64,{text}", outpaint_selections=["Left"])
    kept_at = own["req_params"]["inpaint_input_image"]
    for url in (f"{elsewhere}/photo.png", kept_at, kept_at.replace("127.0.0.1", "localhost")):
        record = server.made(inpaint_input_image=url, outpaint_selections=["Left"])
        assert record["req_params"]["inpaint_input_image"] == kept_at
    bigger = server.made(inpaint_input_image=own["result"][0], outpaint_selections=["Left"])
    assert server.picture(bigger["result"][0]).size == (72 + 24 + 32, 56)


@pytest.mark.contract("0/bad-pictures", "4/bad-image-values")
@pytest.mark.parametrize("path", ["nothing.png", ""])
def test_a_url_without_a_picture_is_422(server: Running, elsewhere: str, path: str) -> None:
    answer = server.generate(inpaint_input_image=f"{elsewhere}/{path}", outpaint_selections=["Left"])
    assert answer.status_code == 422
    assert "inpaint_input_image" in answer.json()["detail"][0]["loc"]


@pytest.mark.parametrize("path", ["outputs/../db.sqlite3", "outputs/%2e%2e/inputs/x.png", "outputs/2020-01-01/x.png"])
def test_an_own_url_reads_pictures_only(server: Running, path: str) -> None:
    url = f"http://127.0.0.1:{server.port}/{path}"
    answer = server.generate(inpaint_input_image=url, outpaint_selections=["Left"])
    assert answer.status_code == 422


@pytest.mark.contract("0/mask-of-another-size", "4/inpaint_mask_image_upload")
def test_a_mask_of_another_size_is_resized_and_told(server: Running, photo: Image.Image) -> None:
    mask = Image.new("L", (144, 112))
    mask.paste(255, (40, 32, 88, 80))
    record = server.made(inpaint_input_image=as_text(photo), inpaint_mask_image_upload=as_text(mask))
    assert server.picture(record["result"][0]).size == (72, 56)
    assert any("mask" in warning for warning in record["warnings"])


@pytest.mark.contract("1/storage", "2/inputs", "3/req-params-images")
def test_the_stored_input_is_a_png_named_by_its_content(server: Running, photo: Image.Image) -> None:
    record = server.made(inpaint_input_image=as_text(photo, "WEBP", lossless=True), outpaint_selections=["Left"])
    url = record["req_params"]["inpaint_input_image"]
    name = url.split("/inputs/")[1]
    assert len(name) == 64 + 4
    assert Image.open(io.BytesIO((server.folder / "inputs" / name).read_bytes())).size == photo.size
