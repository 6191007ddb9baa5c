"""The mask's own arithmetic, which runs in the browser, against other people's."""

import base64
import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page
from scipy import ndimage

from tests.browser.editing import in_page
from tests.server.running import Running


@pytest.fixture(scope="module")
def page(browser: Browser, studio: Running) -> Iterator[Page]:
    """A bare file of the page's, from where its modules can be had without the page itself."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{studio.port}/static/edit/mask.js")
    yield page
    context.close()


@pytest.fixture
def blot() -> np.ndarray:
    """Not all of it far from the edges, with a hole."""
    mask = np.zeros((150, 200), np.uint8)
    mask[30:90, 0:70] = 255
    mask[100:140, 120:199] = 255
    mask[50:60, 30:45] = 0
    return mask


@pytest.mark.parametrize("pixels", [1, 20])
def test_growing_and_shrinking_move_the_edge_by_pixels(page, blot, pixels) -> None:
    far = ndimage.distance_transform_edt(blot < 128)
    grown = in_page(page, "shape", "part.grow(mask, more[0]);", blot, pixels)
    assert np.array_equal(grown, np.round(255 * np.clip(pixels + 1 - far, 0, 1)).astype(np.uint8))
    deep = ndimage.distance_transform_edt(blot >= 128)
    shrunk = in_page(page, "shape", "part.grow(mask, -more[0]);", blot, pixels)
    inside = np.round(255 * np.clip(deep - pixels, 0, 1)).astype(np.uint8)
    assert np.abs(shrunk.astype(int) - inside).max() <= 1


def test_feathering_is_nearly_a_gaussian(page, blot) -> None:
    soft = in_page(page, "shape", "part.feather(mask, more[0]);", blot, 6)
    exact = ndimage.gaussian_filter(blot.astype(float), 6, mode="nearest")
    assert np.abs(soft - exact).max() < 12


def test_a_line_is_as_wide_as_the_brush(page, blot) -> None:
    call = "part.segment(mask, { x: 40, y: 40 }, { x: 150, y: 90 }, 12, 0, false);"
    drawn = in_page(page, "brush", call, np.zeros_like(blot))
    y, x = np.mgrid[: blot.shape[0], : blot.shape[1]] + 0.5
    along = np.clip(((x - 40) * 110 + (y - 40) * 50) / (110**2 + 50**2), 0, 1)
    away = np.hypot(x - 40 - 110 * along, y - 40 - 50 * along)
    assert np.abs(drawn - 255 * np.clip(12.5 - away, 0, 1)).max() <= 1
    erased = in_page(page, "brush", call.replace("false", "true"), np.full_like(blot, 255))
    assert np.array_equal(erased, 255 - drawn)


def test_a_lasso_and_a_fill_enclose_the_same(page, blot) -> None:
    corners = [(20, 20), (170, 40), (120, 130), (60, 70)]
    points = [{"x": x, "y": y} for x, y in corners]
    filled = in_page(page, "lasso", "part.polygon(mask, more[0], 'add');", np.zeros_like(blot), points)
    drawing = Image.new("L", (200, 150))
    ImageDraw.Draw(drawing).polygon(corners, fill=255)
    assert np.mean(np.abs(filled.astype(int) - np.asarray(drawing))) < 2
    ring = np.where(ndimage.binary_erosion(filled > 128, iterations=4), 0, filled)
    flooded = in_page(page, "fill", "part.flood(mask, 100, 70, false);", ring)
    assert np.array_equal(flooded > 128, filled > 128)
    emptied = in_page(page, "fill", "part.flood(mask, 100, 70, true);", filled)
    assert not emptied.any()


def test_history_gives_back_every_pixel(page, blot) -> None:
    noise = np.random.default_rng(5).integers(0, 256, blot.shape, dtype=np.uint8)
    call = """
        const before = mask.data.slice();
        const box = { left: 100, top: 90, right: 180, bottom: 140 };
        mask.change(box, () => mask.data.fill(9, 90 * 200 + 100, 139 * 200));
        mask.change(mask.whole, () => { for (let i = 0; i < mask.data.length; i += 3) mask.data[i] ^= 255; });
        mask.commit();
        const after = mask.data.slice();
        mask.undo();
        if (mask.data.some((value, i) => value !== before[i])) throw new Error("undo");
        mask.redo();
        if (mask.data.some((value, i) => value !== after[i])) throw new Error("redo");
        mask.undo();"""
    assert np.array_equal(in_page(page, "mask", call, noise), noise)


def test_the_file_that_is_sent_holds_the_mask_bit_for_bit(page, blot) -> None:
    noise = np.random.default_rng(6).integers(0, 256, (151, 203), dtype=np.uint8)
    file = page.evaluate(
        """async (values) => {
            const { greyPng } = await import("/static/edit/png.js");
            const bytes = await (await greyPng(Uint8Array.from(values), 203, 151)).arrayBuffer();
            return btoa(String.fromCharCode(...new Uint8Array(bytes)));
        }""",
        noise.ravel().tolist(),
    )
    with Image.open(io.BytesIO(base64.b64decode(file))) as picture:
        assert picture.mode == "L"
        assert np.array_equal(np.asarray(picture), noise)
