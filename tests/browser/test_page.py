"""The page as a whole: it opens, asks for a key once, and every view is there."""

import re

import pytest
from playwright.sync_api import Page, expect

from server.web.page import FOLDER

VIEWS = ("create", "edit", "gallery", "system")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_by_its_address(person, view) -> None:
    page: Page = person.goes_to(view)
    expect(page.locator(f"section.{view}")).to_be_visible()
    expect(page.locator(".views [aria-current=page]")).to_have_attribute("href", f"#{view}")
    assert re.search("Gesso", page.title())


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
    families = {f"{name}." for name in re.findall(r"\btext\(`([\w.]+)\.\$\{", code)}
    unused = {key for key in keys["en"] if f'"{key}"' not in code and not key.startswith(tuple(families))}
    assert unused == set()
