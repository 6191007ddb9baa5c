"""Somebody before a browser, and what the browser has to complain of."""

import re
from collections.abc import Sequence

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

from tests.server.running import Running

NOT_YET = r"status of 503 .*/(readyz|v1/engines/memory)\)$"  # what these answer while another preset is being loaded


class Person:
    """A browser's context with one page in it. What goes wrong in the page is written down.

    expected: patterns of complaints that the test provokes.
    """

    def __init__(self, context: BrowserContext, studio: Running) -> None:
        self.context = context
        self.studio = studio
        self.expected: list[str] = [NOT_YET]
        self._complaints: list[str] = []
        context.on("console", self._heard)
        context.on("weberror", lambda error: self._complaints.append(f"{error.error}"))
        context.on("request", self._asked)
        self.page: Page = context.new_page()

    def goes_to(self, view: str = "create") -> Page:
        """Open a view, as from a bookmark."""
        self.page.goto(f"./#{view}")
        return self.page

    def complaints(self) -> Sequence[str]:
        """What nobody expected."""
        return [one for one in self._complaints if not any(re.search(known, one) for known in self.expected)]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        home = f"http://127.0.0.1:{self.studio.port}/"
        if not request.url.startswith((home, "data:", "blob:")):
            self._complaints.append(f"asked {request.url}")
