"""The page as a whole: it opens, asks for a key once, and every view is there."""

import re

import pytest
from playwright.sync_api import Page, expect

from server.web.page import FOLDER
from tests.browser.conftest import KEY

WEIGHT = 300_000
"""Bytes, of all views in both languages."""

VIEWS = ("create", "edit", "gallery", "system")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_by_its_address(person, view) -> None:
    page: Page = person.goes_to(view)
    expect(page.locator(f"section.{view}")).to_be_visible()
    expect(page.locator(".views [aria-current=page]")).to_have_attribute("href", f"#{view}")
    assert re.search("Gesso", page.title())


def test_the_key_is_asked_for_once(visit) -> None:
    person = visit(logged_in=False)
    person.expected.append("403")
    page = person.goes_to("gallery")
    page.get_by_label("Key", exact=True).fill("none of them")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="none of this server's keys")).to_be_visible()
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("picture")).not_to_have_count(0)
    person.expected.clear()
    before = len(person.complaints())
    page.reload()
    expect(page.get_by_role("searchbox")).to_be_visible()
    page.goto("./#system")
    expect(page.locator(".preset").first).to_be_visible()
    assert len(person.complaints()) == before
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Key", exact=True)).to_be_visible()
    person.expected.append("403")


def test_the_whole_page_is_light() -> None:
    assert sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file()) < WEIGHT


def test_both_languages_have_the_same_texts_and_every_text_that_is_used(page: Page, person) -> None:
    person.goes_to("system")
    keys = page.evaluate(
        """async () => {
            const [{ en }, { zh }] = [await import("./static/texts/en.js"), await import("./static/texts/zh.js")];
            const names = (part, above = "") => Object.entries(part).flatMap(([name, value]) =>
                typeof value === "string" ? [above + name] : names(value, `${above}${name}.`));
            return { en: names(en), zh: names(zh) };
        }"""
    )
    assert sorted(keys["en"]) == sorted(keys["zh"])
    code = "\n".join(file.read_text(encoding="utf-8") for file in FOLDER.rglob("*.js"))
    used = set(re.findall(r'\btext\(\s*"([\w.]+)"', code)) | set(re.findall(r'\? "(\w+\.[\w.]+)" :', code))
    assert used - set(keys["en"]) == set()
    pairs = {f"{name}{count}" for name in re.findall(r'\bmany\("([\w.]+)"', code) for count in ("One", "Many")}
    assert pairs <= set(keys["en"])
    families = {f"{name}." for name in re.findall(r"\btext\(`([\w.]+)\.\$\{", code)}
    unused = {
        key for key in keys["en"] if f'"{key}"' not in code and key not in pairs and not key.startswith(tuple(families))
    }
    assert unused == set()
