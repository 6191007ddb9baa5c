"""A real browser before a real server: one of each for all tests of the page, a fresh person for every test."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.person import Person
from tests.server.running import Running, ready, start

KEY = "a key that only the tests know"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
expect.set_options(timeout=20_000)
SIZE = {"width": 1280, "height": 800}
SMALL = {"aspect_ratios_selection": "64*64", "overwrite_step": 2}
"""What everybody has set before, so that no test waits for long."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium; playwright's driver fetches none.

    Of this folder's tests alone: while it lives a loop runs in this thread, in which others could not start theirs.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        message = "There is no Chromium; README.md names the package to install."
        if os.environ.get("GESSO_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """The server before which the person sits: with a key, and with toy models."""
    with ready(tmp_path_factory.mktemp("studio"), toy_models, "--apikey", KEY) as running:
        running.client.headers["X-API-KEY"] = KEY
        yield running


@pytest.fixture
def restart(studio: Running, toy_models: Path) -> Callable[[], None]:
    """Begin the server again where it was; it is not waited for."""

    def again() -> None:
        more = ("--apikey", KEY, "--port", f"{studio.port}")
        studio.process = start(studio.folder, toy_models, *more).process

    return again


@pytest.fixture
def visit(browser: Browser, studio: Running) -> Iterator[Callable[..., Person]]:
    """Open a browser of its own: `visit(logged_in=False)`, and whatever else a context of playwright takes.

    At the end no page may have complained or asked anybody else for anything.
    """
    contexts: list[BrowserContext] = []
    people: list[Person] = []

    def open_one(*, logged_in: bool = True, **wishes: object) -> Person:
        home = f"http://127.0.0.1:{studio.port}"
        told = {"viewport": SIZE, "locale": "en-GB", "reduced_motion": "reduce", "color_scheme": "light"} | wishes
        context = browser.new_context(base_url=f"{home}/", **told)  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        contexts.append(context)
        kept = json.dumps(json.dumps(SMALL))
        context.add_init_script(f"try {{ localStorage['gesso.form'] ??= {kept} }} catch {{}}")  # about:blank has none
        if logged_in:
            context.request.post("login", form={"apikey": KEY}, max_redirects=0)
        people.append(Person(context, studio))
        return people[-1]

    yield open_one
    complaints = [complaint for person in people for complaint in person.complaints()]
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def person(visit: Callable[..., Person]) -> Person:
    """Somebody who has logged in."""
    return visit()


@pytest.fixture
def page(person: Person) -> Page:
    """The page that this somebody looks at."""
    return person.page
