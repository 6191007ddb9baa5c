"""System: what runs and waits, and what the server paints with."""

from playwright.sync_api import expect

from tests.server.running import GENERATE


def test_what_runs_is_shown_and_called_off(person) -> None:
    asked = {"prompt": "asked by another program", "image_number": 8, "overwrite_step": 200, "async_process": True}
    task = person.studio.client.post(GENERATE, json=asked | {"aspect_ratios_selection": "64*64"}).json()["task_id"]
    page = person.goes_to("system")
    line = page.locator(f"[data-task='{task}']")
    expect(line).to_contain_text("asked by another program")
    line.get_by_role("button", name="Call this task off").click()
    expect(page.get_by_text("Nothing is being painted.")).to_be_visible()
    assert person.studio.client.get(f"/tasks/{task}").json()["task_status"] == "stop"


def test_another_preset_is_put_in_use(person) -> None:
    page = person.goes_to("system")
    for name in ("mine", "starter"):
        line = page.locator(f"[data-preset='{name}']")
        line.get_by_role("button", name="Use it").click()
        expect(line).to_contain_text("in use", timeout=60_000)
    active = [one["name"] for one in person.studio.client.get("/v1/engines/presets").json() if one["active"]]
    assert active == ["starter"]


def test_a_preset_that_cannot_be_fetched_says_why_in_its_line(person) -> None:
    person.expected += ["422", "502", "424"]
    page = person.goes_to("system")
    line = page.locator("[data-preset='far']")
    line.get_by_role("button", name="Download").click()
    expect(line.locator(".problem")).to_contain_text("example.com")
