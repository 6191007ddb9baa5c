"""Edit, as a person does it: paint and run, extend, compare, go back, reload in the middle."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.editing import Editor


@pytest.fixture
def editor(person, photo) -> Editor:
    """Somebody with the photo before them."""
    made = Editor(person)
    made.opens(photo)
    return made


def test_what_is_painted_is_made_anew_and_the_rest_stays(editor, photo) -> None:
    editor.drags((20, 20), (40, 30))
    record = editor.runs("a red ball")
    asked = record["req_params"]
    mask = editor.fetched(asked["inpaint_mask_image_upload"])[..., 0]
    assert mask.shape == (56, 72)
    assert mask[25, 30] == 255
    assert mask[0, 0] == mask[50, 60] == 0
    assert asked["inpaint_additional_prompt"] == "a red ball"
    made, known = editor.fetched(record["result"][0]), mask <= 31
    assert np.array_equal(made[known], np.asarray(photo)[known])
    assert not np.array_equal(made[~known], np.asarray(photo)[~known])
    expect(editor.versions.nth(1)).to_have_attribute("aria-current", "true")

    expect(editor.page.locator(".edit-split")).to_be_hidden()
    editor.button("Compare").click()
    line = editor.page.get_by_role("slider", name="Where the picture before ends")
    expect(line).to_have_attribute("aria-valuenow", "50")
    x, y = editor.place(36, 28)
    editor.page.mouse.move(x, y)
    editor.page.mouse.down()
    editor.page.mouse.move(*editor.place(54, 28), steps=3)
    editor.page.mouse.up()
    expect(line).to_have_attribute("aria-valuenow", re.compile("7[456]"))
    line.press("End")
    expect(line).to_have_attribute("aria-valuenow", "100")
    editor.page.keyboard.press("Escape")
    expect(line).to_be_hidden()

    editor.versions.nth(0).click()
    expect(editor.versions.nth(0)).to_have_attribute("aria-current", "true")
    assert np.array_equal(editor.mask(), mask)
    with editor.page.expect_download() as saved:
        editor.button("Download").click()
    assert saved.value.suggested_filename.endswith(".png")


def test_strokes_are_undone_and_redone_one_by_one(editor) -> None:
    empty = editor.mask()
    editor.drags((20, 20), (30, 20))
    first = editor.mask()
    editor.drags((50, 40), (55, 40))
    second = editor.mask()
    editor.page.keyboard.press("Control+z")
    assert np.array_equal(editor.mask(), first)
    editor.page.keyboard.press("Control+z")
    assert np.array_equal(editor.mask(), empty)
    editor.page.keyboard.press("Control+Shift+z")
    editor.button("Redo").click()
    assert np.array_equal(editor.mask(), second)
    editor.page.keyboard.press("x")
    assert np.array_equal(editor.mask(), 255 - second)
    assert not empty.any()
    assert (second >= first).all()


def test_each_tool_marks_what_it_is_drawn_around(editor) -> None:
    keys = editor.page.keyboard
    keys.press("r")
    editor.drags((10, 10), (30, 40))
    mask = editor.mask()
    assert (mask[10:40, 10:30] == 255).all()
    assert mask.sum() == 255 * 30 * 20
    keys.press("e")
    for _ in range(12):
        keys.press("[")
    editor.clicks(20, 25)
    erased = editor.mask()
    assert erased[25, 20] == 0
    assert erased[12, 12] == 255
    keys.press("f")
    editor.clicks(20, 25)
    assert np.array_equal(editor.mask(), mask)
    keys.press("l")
    keys.down("Alt")
    editor.drags((5, 5), (35, 5), (35, 25), (5, 25))
    keys.up("Alt")
    cut = editor.mask()
    assert (cut[10:24] == 0).all()
    assert (cut[26:40, 10:30] == 255).all()

    keys.press("Delete")
    keys.press("?")
    expect(editor.page.get_by_role("dialog", name="Keys")).to_contain_text("Escape")
    keys.press("Escape")
    editor.button("Run").click()
    expect(editor.page.locator(".edit-foot .problem")).to_contain_text("Mark what shall change")
    editor.stage.focus()
    for key in ("r", "Shift+ArrowLeft", "Enter", "Shift+ArrowRight", "Shift+ArrowDown", "Enter"):
        keys.press(key)
    assert editor.mask().any()


def test_a_picture_is_continued_by_its_edges_to_a_shape_and_on_two_sides(editor, photo) -> None:
    editor.chooses("extend")
    size = editor.page.locator(".edit-panel output")
    grip = editor.page.get_by_role("slider", name="Add at the right, pixels")
    box = grip.bounding_box()
    assert box
    scale = editor.place(1, 0)[0] - editor.place(0, 0)[0]
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    editor.page.mouse.move(*middle)
    editor.page.mouse.down()
    editor.page.mouse.move(middle[0] + 16.2 * scale, middle[1], steps=3)
    editor.page.mouse.up()
    expect(size).to_have_text("72 × 56 → 88 × 56")
    grip.press("ArrowLeft")
    expect(size).to_have_text("72 × 56 → 80 × 56")
    editor.page.get_by_label("Shape").select_option("16:9")
    expect(size).to_have_text("72 × 56 → 100 × 56")
    editor.page.get_by_label("Where the picture lies in it").select_option("left")
    expect(grip).to_have_attribute("aria-valuenow", "28")
    editor.button("No sides").click()
    editor.button("Left").click()
    editor.button("Bottom").click()
    expect(size).to_have_text("72 × 56 → 96 × 74")
    record = editor.runs()
    assert record["req_params"]["outpaint_selections"] == ["Left", "Bottom"]
    made = editor.fetched(record["result"][0])
    assert made.shape == (74, 96, 3)
    assert np.array_equal(made[:56, 24:], np.asarray(photo))
    editor.button("Compare").click()
    expect(editor.page.locator(".edit-split")).to_be_visible()


def test_a_reload_in_the_middle_loses_nothing(editor, person) -> None:
    editor.drags((20, 20), (40, 30))
    editor.page.locator(".edit-prompt").fill("a blue cup")
    editor.drags((50, 45), (60, 45))
    editor.page.reload()
    expect(editor.page.locator(".edit-zoom")).to_be_visible()
    mask = editor.mask()
    assert mask[25, 30] == mask[45, 55] == 255
    assert mask[0, 0] == 0
    expect(editor.page.locator(".edit-prompt")).to_have_value("a blue cup")

    editor.page.evaluate("localStorage.setItem('gesso.form', JSON.stringify({ overwrite_step: 200 }))")
    editor.page.reload()
    expect(editor.page.locator(".edit-zoom")).to_be_visible()
    editor.page.locator(".edit-prompt").press("Control+Enter")
    expect(editor.page.locator(".edit-told")).to_contain_text("Step")
    editor.page.reload()
    expect(editor.page.locator(".edit-told")).to_contain_text("Step")
    editor.button("Stop").click()
    expect(editor.button("Run")).to_be_visible()
    assert np.array_equal(editor.mask(), mask)


def test_a_phone_paints_with_one_finger_and_zooms_with_two(visit, photo) -> None:
    phone = visit(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, device_scale_factor=2)
    editor = Editor(phone)
    editor.opens(photo)
    touches = phone.context.new_cdp_session(editor.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        told = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": told})

    touch("touchStart", editor.place(20, 28))
    for x in range(24, 50, 4):
        touch("touchMove", editor.place(x, 28))
    touch("touchEnd")
    painted = editor.mask()
    assert painted[28, 20] == painted[28, 40] == 255
    zoom = editor.page.locator(".edit-zoom .numbers")
    before = zoom.text_content()
    left, right = editor.place(30, 28), editor.place(42, 28)
    touch("touchStart", left)
    touch("touchStart", left, right)
    for far in range(5, 60, 5):
        touch("touchMove", (left[0] - far, left[1]), (right[0] + far, right[1]))
    touch("touchEnd")
    expect(zoom).not_to_have_text(before or "")
    assert np.array_equal(editor.mask(), painted)
    assert editor.page.evaluate("document.querySelector('.view.edit').scrollWidth <= innerWidth")
