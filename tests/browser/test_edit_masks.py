"""Masks by a click, by a name, and of what stands out, with toy models of every kind."""

import base64
import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

from tests.browser.editing import Editor
from tests.server.masks_zoo import MASK, photograph, zoo  # noqa: F401
from tests.server.running import as_text


@pytest.fixture(scope="module")
def cup() -> Image.Image:
    return photograph("coffee.png")


@pytest.fixture
def editor(person, cup, zoo) -> Editor:  # noqa: F811
    made = Editor(person)
    made.opens(cup)
    return made


def asked(editor: Editor, picture: Image.Image, **fields: object) -> NDArray[np.uint8]:
    """The mask that the server answers to anybody."""
    answer = editor.person.studio.client.post(MASK, json={"image": as_text(picture)} | fields)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer.json()))).convert("L"))


def test_a_click_masks_an_object_and_further_ones_add_and_remove(editor, cup) -> None:
    here = asked(editor, cup, mask_model="sam", points=[[150, 40]], multimask=True)
    there = asked(editor, cup, mask_model="sam", points=[[30, 30]], multimask=True)
    assert here.any()
    assert there.any()
    editor.page.keyboard.press("o")
    editor.clicks(150.5, 40.5)
    expect(editor.button("Undo")).to_be_enabled()
    assert np.array_equal(editor.mask(), here)
    guesses = editor.page.get_by_role("group", name="Guesses").get_by_role("button")
    expect(guesses).to_have_count(3)
    guesses.nth(1).click()
    expect(guesses.nth(1)).to_have_attribute("aria-pressed", "true")
    assert not np.array_equal(editor.mask(), here)
    guesses.nth(2).click()
    expect(guesses.nth(2)).to_have_attribute("aria-pressed", "true")
    assert np.array_equal(editor.mask(), here)
    editor.clicks(30.5, 30.5, "Shift")
    expect(editor.page.locator(".edit-busy")).to_be_hidden()
    assert np.array_equal(editor.mask(), np.maximum(here, there))
    editor.clicks(30.5, 30.5, "Alt")
    expect(editor.page.locator(".edit-busy")).to_be_hidden()
    assert np.array_equal(editor.mask(), np.minimum(here, 255 - there))


def test_a_name_masks_what_it_names(editor, cup) -> None:
    editor.page.keyboard.press("n")
    editor.page.keyboard.type("red cup")
    editor.page.keyboard.press("Enter")
    expect(editor.page.locator(".edit-panel [role=status]")).not_to_be_empty()
    assert np.array_equal(editor.mask(), asked(editor, cup, mask_model="sam", dino_prompt_text="red cup"))


def test_the_background_is_masked_and_removed(editor, cup) -> None:
    subject = asked(editor, cup)
    editor.chooses("subject")
    editor.button("Mask the background").click()
    expect(editor.button("Undo")).to_be_enabled()
    assert np.array_equal(editor.mask(), 255 - subject)
    editor.button("Remove background").click()
    expect(editor.versions).to_have_count(2)
    with editor.page.expect_download() as saved:
        editor.button("Download").click()
    with Image.open(saved.value.path()) as cut:
        assert cut.mode == "RGBA"
        assert np.array_equal(np.asarray(cut)[..., 3], subject)
        solid = subject == 255
        assert np.array_equal(np.asarray(cut)[solid, :3], np.asarray(cup)[solid])


def test_what_goes_wrong_is_told_beside_the_tool_in_the_servers_words(editor) -> None:
    for file in (editor.person.studio.folder / "inputs").iterdir():
        file.unlink()
    editor.person.expected.append("424")
    editor.chooses("object")
    editor.clicks(100, 75)
    expect(editor.told).to_contain_text("send that picture again")
    assert not editor.mask().any()
