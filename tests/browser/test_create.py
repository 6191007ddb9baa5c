"""Create, as a person does it: say what is wanted, watch it come, stop it, come back to it."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from configs.settings import ROOT
from server.api.fooocus.search import kinds

LONG = {"image_number": 8, "overwrite_step": 200, "aspect_ratios_selection": "256*256"}
"""Eight pictures that each take longer than a page takes to be loaded again, on a fast machine, too."""


def set_form(page: Page, **fields: object) -> None:
    """What a person has set in an earlier visit."""
    page.evaluate(
        "more => { localStorage['gesso.form'] = JSON.stringify({...JSON.parse(localStorage['gesso.form']), ...more}) }",
        fields,
    )
    page.reload()


def ask(page: Page, prompt: str) -> Locator:
    """Type a prompt and send it with the keyboard alone; the card of the task."""
    before = page.locator(".task").count()
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".task")).to_have_count(before + 1)
    return page.locator(".task").first


def test_a_prompt_becomes_a_picture(person) -> None:
    page = person.goes_to("create")
    card = ask(page, "a red ball, seen by a test")
    expect(card).to_have_attribute("data-state", "finished")
    picture = card.get_by_role("img", name="a red ball, seen by a test")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    card.get_by_role("button", name="Show picture 1 large").click()
    expect(page.get_by_role("dialog")).to_contain_text("gesso-starter")
    page.keyboard.press("Escape")
    card.get_by_role("button", name=re.compile("Put away")).click()
    expect(page.locator(".task")).to_have_count(0)


def test_what_is_folded_away_is_sent(person) -> None:
    page = person.goes_to("create")
    page.get_by_role("button", name="Styles: ").click()
    page.get_by_role("searchbox", name="Search styles").fill("origami")
    page.get_by_role("button", name="SAI Origami", exact=True).click()
    page.get_by_role("button", name="Shape: ").click()
    page.get_by_label("Width in pixels").fill("96")
    page.get_by_label("Height in pixels").fill("64")
    page.get_by_role("button", name="Number of pictures: ").click()
    page.get_by_role("slider", name="Number of pictures").press("ArrowRight")
    page.get_by_role("button", name="Seed: ").click()
    page.get_by_role("spinbutton", name="Seed").fill("77")
    page.get_by_role("button", name="More: ").click()
    page.get_by_label("Negative prompt").fill("fog")
    card = ask(page, "a boat")
    expect(card).to_have_attribute("data-state", "finished")
    expect(card.get_by_role("img")).to_have_count(2)
    record = person.studio.client.get(f"/tasks/{card.get_attribute('data-task')}").json()
    used = record["effective_params"]
    assert (used["styles"], used["width"], used["height"], used["seeds"]) == (["SAI Origami"], 96, 64, [77, 78])
    assert record["req_params"]["negative_prompt"] == "fog"


def test_what_is_painted_survives_a_reload_is_seen_in_every_tab_and_can_be_stopped(person) -> None:
    page = person.goes_to("create")
    set_form(page, **LONG)
    card = ask(page, "a long one")
    expect(card).to_have_attribute("data-state", "running")
    expect(card.get_by_role("progressbar")).to_be_visible()
    expect(card.get_by_text(re.compile("Picture 1 of 8, step"))).to_be_visible()
    expect(card.get_by_role("img", name="What is being painted")).to_be_visible()
    other = person.context.new_page()
    other.goto("./#create")
    expect(other.locator(".task")).to_have_attribute("data-state", "running")
    waiting = ask(other, "one that waits")
    expect(waiting).to_contain_text("Next in line")
    expect(page.locator(".task")).to_have_count(2)
    waiting.get_by_role("button", name="Stop").click()
    expect(page.locator(".task").first).to_have_attribute("data-state", "stopped")
    page.reload()
    card = page.locator(".task").last
    expect(card).to_have_attribute("data-state", "running")
    said = card.get_by_text(re.compile("Picture [1-7] of 8")).inner_text()
    card.get_by_role("button", name="Skip this picture").click()
    expect(card.get_by_text(re.compile(f"Picture [{int(said.split()[1]) + 1}-8] of 8"))).to_be_visible()
    card.get_by_role("button", name="Stop").click()
    expect(card).to_have_attribute("data-state", "stopped")
    expect(other.locator(".task").last).to_have_attribute("data-state", "stopped")


def test_an_error_is_shown_where_it_arose(person) -> None:
    person.expected.append("422")
    page = person.goes_to("create")
    page.get_by_role("button", name="More: ").click()
    page.get_by_label("Guidance").fill("99")
    page.get_by_label("Prompt", exact=True).fill("too much")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert").filter(has_text="Guidance")).to_contain_text("30")
    expect(page.get_by_label("Guidance")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".task")).to_have_count(0)


def test_a_server_that_goes_and_comes_back_is_waited_for(person, restart) -> None:
    person.expected += ["ERR_", "503", "Failed to load"]
    page = person.goes_to("create")
    set_form(page, image_number=2, overwrite_step=80)
    card = ask(page, "one that outlives its server")
    expect(card).to_have_attribute("data-state", "running")
    person.studio.process.kill()
    person.studio.process.wait()
    expect(page.get_by_text("The server does not answer. Trying again")).to_be_visible()
    restart()
    expect(page.get_by_text("The server does not answer. Trying again")).to_be_hidden(timeout=120_000)
    expect(card).to_have_attribute("data-state", "finished", timeout=120_000)
    expect(card.get_by_role("img")).to_have_count(2)


@pytest.mark.parametrize("module", ["performance", "samplers"])
def test_the_names_that_are_offered_are_those_that_the_server_knows(person, module) -> None:
    page = person.goes_to("create")
    offered = page.evaluate("async () => ({ ...(await import('./static/choices.js')) })")
    known = json.loads((ROOT / "configs" / f"{module}.json").read_text(encoding="utf-8"))
    if module == "performance":
        assert offered["PERFORMANCES"] == {name: told["steps"] for name, told in known.items()}
    else:
        assert set(offered["SAMPLERS"]) <= set(known["samplers"])
        assert set(offered["SCHEDULERS"]) <= set(known["schedulers"])
    assert set(offered["KINDS"]) == set(kinds())
