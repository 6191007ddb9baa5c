"""What axe-core finds in every view, in both themes: nothing serious. And what fits on a telephone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.test_create import ask
from tests.browser.test_page import VIEWS

SERIOUS = ("serious", "critical")
PANELS = ("shape", "styles", "more")
"""Those that have controls of their own."""


def findings(page: Page) -> list[str]:
    """What axe-core calls serious or worse, with the first element that is meant."""
    told = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in told if one["impact"] in SERIOUS]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_found_in_any_view(visit, theme) -> None:
    person = visit(color_scheme=theme)
    page = person.goes_to("create")
    expect(ask(page, "looked at by axe")).to_have_attribute("data-state", "finished")
    for panel in PANELS:
        page.locator(f"[data-panel={panel}]").click()
        if panel == "styles":  # one card is as good as 279
            page.get_by_role("searchbox", name="Search styles").fill("origami")
        assert findings(page) == [], panel
    for view in VIEWS:
        person.goes_to(view)
        expect(page.locator(f"section.{view}")).to_be_visible()
        page.wait_for_load_state("networkidle") if view != "system" else expect(
            page.locator(".preset").first
        ).to_be_visible()
        assert findings(page) == [], view
    person.goes_to("gallery")
    page.locator(".shots .shot").first.click()
    expect(page.locator(".lightbox dd").nth(6)).to_be_visible()
    assert findings(page) == []


def test_a_telephone_shows_everything_without_scrolling_sideways(visit) -> None:
    person = visit(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = person.goes_to("create")
    expect(ask(page, "asked on the way")).to_have_attribute("data-state", "finished")
    for view in VIEWS:
        person.goes_to(view)
        expect(page.locator(f"section.{view}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, view
    for width in (768, 1440, 3840):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_speaks_chinese(visit) -> None:
    person = visit(locale="zh-CN")
    page = person.goes_to("create")
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    for view, name in zip(VIEWS, ("创作", "编辑", "图库", "系统"), strict=True):
        person.goes_to(view)
        expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="Gallery")).to_be_visible()
