"""Gallery, as a person uses it: find a picture, look at it, make it again, delete it."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.editing import Editor
from tests.server.running import Running


@pytest.fixture(scope="module")
def made(studio: Running) -> dict[str, dict]:
    """The records of three tasks, by a word of their prompts."""
    wishes = {"windmill": {"image_seed": 41}, "lighthouse": {"image_number": 2, "image_seed": 5}, "teapot": {}}
    return {word: studio.made(prompt=f"a {word} by the road", **more) for word, more in wishes.items()}


def copied(page: Page, beginning: str) -> str:
    """The clipboard's text as soon as it begins so."""
    for _ in range(100):
        text: str = page.evaluate("navigator.clipboard.readText()")
        if text.startswith(beginning):
            return text
        page.wait_for_timeout(100)
    raise AssertionError(f"the clipboard holds {text[:80]!r}")


def test_a_picture_is_found_shown_and_made_again(person, made) -> None:
    page = person.goes_to("gallery")
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    page.get_by_role("searchbox").fill("windmill road")
    expect(page.locator(".shot")).to_have_count(1)
    page.get_by_role("button", name="a windmill by the road").click()
    box = page.get_by_role("dialog")
    expect(box.locator("dd", has_text="41")).to_be_visible()
    expect(box.locator("dd", has_text=re.compile(r"\beuler\b"))).to_be_visible()
    box.get_by_role("button", name="Same again").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a windmill by the road")
    expect(page.get_by_role("button", name="Seed: ")).to_contain_text("41")
    page.get_by_role("button", name="Create").click()
    card = page.locator(".task").first
    expect(card).to_have_attribute("data-state", "finished")
    record = person.studio.client.get(f"/tasks/{card.get_attribute('data-task')}").json()
    assert record["effective_params"]["steps"] == made["windmill"]["effective_params"]["steps"]
    assert record["result_seeds"] == [41]


def test_the_arrow_keys_go_through_the_pictures(person, made) -> None:
    page = person.goes_to("gallery")
    page.get_by_role("searchbox").fill("lighthouse")
    expect(page.locator(".shot")).to_have_count(2)
    page.locator(".shot").first.click()
    large = page.locator(".lightbox .large")
    first = large.get_attribute("src")
    page.keyboard.press("ArrowRight")
    expect(large).not_to_have_attribute("src", str(first))
    page.keyboard.press("ArrowLeft")
    expect(large).to_have_attribute("src", str(first))
    page.keyboard.press("Escape")
    expect(page.locator(".lightbox")).to_have_count(0)


def test_an_old_file_restores_the_form(person, made, tmp_path: Path) -> None:
    old = tmp_path / "old.png"
    old.write_bytes(person.studio.client.get(made["windmill"]["result"][0]).content)
    page = person.goes_to("gallery")
    page.get_by_label("Read a picture").set_input_files(old)
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a windmill by the road")
    expect(page.get_by_role("button", name="Seed: ")).to_contain_text("41")


def test_a_picture_is_copied_as_a_command(person, made) -> None:
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = person.goes_to("gallery")
    page.get_by_role("searchbox").fill("windmill")
    page.get_by_role("button", name="a windmill by the road").first.click()
    for kind, beginning in (("curl command", "curl -s 'http://127.0.0.1:"), ("Python program", "import httpx")):
        page.get_by_text("Copy as …").click()
        page.get_by_role("button", name=kind).click()
        text = copied(page, beginning)
        assert "a windmill by the road" in text
    compile(text, "copied", "exec")


def test_a_picture_is_varied(person, made) -> None:
    page = person.goes_to("gallery")
    page.get_by_role("searchbox").fill("teapot")
    page.get_by_role("button", name="a teapot by the road").first.click()
    page.get_by_role("dialog").get_by_text("Vary").click()
    page.get_by_role("button", name="A little").click()
    card = page.locator(".task").first
    expect(card).to_have_attribute("data-state", "finished", timeout=60_000)
    expect(card.get_by_role("img")).to_be_visible()


def test_deleting_asks_first_and_takes_all_of_a_task(person, made) -> None:
    task = made["lighthouse"]["task_id"]
    page = person.goes_to("gallery")
    page.get_by_role("searchbox").fill("lighthouse")
    expect(page.locator(".shot")).to_have_count(2)
    page.locator(".shot").first.click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog", name="Delete?")).to_contain_text("2 pictures")
    page.get_by_role("button", name="Cancel").click()
    assert person.studio.client.get(f"/tasks/{task}").status_code == 200
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete?").get_by_role("button", name="Delete").click()
    expect(page.locator(".shot")).to_have_count(0)
    assert person.studio.client.get(f"/tasks/{task}").status_code == 404


def test_a_picture_is_the_mask_of_another(person, made, photo) -> None:
    editor = Editor(person)
    editor.opens(photo)
    page = person.goes_to("gallery")
    page.get_by_role("searchbox").fill("windmill")
    page.get_by_role("button", name="a windmill by the road").first.click()
    page.get_by_role("button", name="As a mask").click()
    expect(page.locator("section.edit")).to_be_visible()
    source = person.studio.picture(made["windmill"]["result"][0]).convert("L").resize(photo.size)
    page.wait_for_timeout(500)
    assert abs(editor.mask().astype(int) - np.asarray(source, int)).mean() < 12
