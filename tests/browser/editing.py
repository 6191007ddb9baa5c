"""Somebody who edits a picture in the page."""

import base64
import io
import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.person import Person

AIR = 28
"""CSS pixels that the page leaves around a picture that fits."""

KEPT_MASK = """async () => {
    dispatchEvent(new Event("pagehide")); // upon which the page keeps at once what it was about to keep
    const { kept } = await import("./static/edit/keeping.js");
    const { Mask } = await import("./static/edit/mask.js");
    const state = await kept();
    const shown = state?.versions.find(({ id }) => id === state.current);
    if (!shown) return null;
    const mask = new Mask(shown.width, shown.height);
    mask.restore(shown.tiles);
    const letters = Array.from(mask.data, (value) => String.fromCharCode(value));
    return { mask: btoa(letters.join("")), width: shown.width, height: shown.height };
}"""
"""What the page has kept of the mask that is shown: the way to see it without a server's help."""


class Editor:
    """The edit view, and hands. Points are the picture's pixels."""

    def __init__(self, person: Person, *, steps: int = 2) -> None:
        self.person, self.page = person, person.page
        form = json.dumps(json.dumps({"overwrite_step": steps}))
        self.page.add_init_script(f"localStorage.getItem('gesso.form') ?? localStorage.setItem('gesso.form', {form})")
        person.goes_to("edit")

    def opens(self, picture: Image.Image) -> None:
        """Choose a file, as with the file dialog."""
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        file = {"name": "photo.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
        self.page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        self.size = picture.size
        expect(self.page.locator(".edit-zoom")).to_be_visible()
        expect(self.page.locator(".edit-busy")).to_be_hidden()

    @property
    def stage(self) -> Locator:
        return self.page.locator(".edit-stage")

    @property
    def told(self) -> Locator:
        """What went wrong with the tool."""
        return self.page.locator(".edit-problem")

    @property
    def versions(self) -> Locator:
        return self.page.locator(".edit-version")

    def chooses(self, tool: str) -> None:
        self.page.locator(f"[data-tool={tool}].edit-tool").click()

    def button(self, name: str, *, within: str = ".edit") -> Locator:
        return self.page.locator(within).get_by_role("button", name=name, exact=True)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where on the screen a point of the picture is, which must fit."""
        box = self.stage.bounding_box()
        assert box
        width, height = self.size
        scale = min((box["width"] - 2 - 2 * AIR) / width, (box["height"] - 2 - 2 * AIR) / height, 12)
        left, top = (box["width"] - width * scale) / 2, (box["height"] - height * scale) / 2
        return box["x"] + left + x * scale, box["y"] + top + y * scale

    def drags(self, *points: tuple[float, float]) -> None:
        """Press at the first point, go to the others, let go."""
        self.page.mouse.move(*self.place(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.place(*point), steps=4)
        self.page.mouse.up()

    def clicks(self, x: float, y: float, *held: str) -> None:
        for key in held:
            self.page.keyboard.down(key)
        self.page.mouse.click(*self.place(x, y))
        for key in held:
            self.page.keyboard.up(key)

    def mask(self) -> NDArray[np.uint8]:
        """The mask as it is kept."""
        told = self.page.evaluate(KEPT_MASK)
        return _bytes(told["mask"]).reshape(told["height"], told["width"])

    def runs(self, words: str = "") -> dict[str, Any]:
        """Write words, press Ctrl+Enter, wait for the next version; the task's record."""
        before = self.versions.count()
        self.page.locator(".edit-prompt").fill(words)
        self.page.keyboard.press("Control+Enter")
        expect(self.versions).to_have_count(max(2, before + 1), timeout=60_000)
        return self.record()

    def record(self) -> dict[str, Any]:
        """The newest task's, from the server."""
        history = self.person.studio.client.get("/tasks", params={"page_size": 1}).json()["history"]
        newest: dict[str, Any] = history[0]
        return newest

    def fetched(self, url: str) -> NDArray[np.uint8]:
        """A picture of the server's."""
        return np.asarray(self.person.studio.picture(re.sub(r"^https?://[^/]+", "", url)).convert("RGB"))


def in_page(page: Page, module: str, call: str, mask: NDArray[np.uint8], *more: Any) -> NDArray[np.uint8]:
    """What a function of the page's own makes of a mask: `call` sees `part` (the module), `mask` and `more`."""
    script = f"""async ([module, data, width, height, more]) => {{
        const {{ Mask }} = await import("/static/edit/mask.js");
        const part = await import(`/static/edit/${{module}}.js`);
        const mask = new Mask(width, height);
        mask.data.set(Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)));
        {call}
        return btoa(Array.from(mask.data, (value) => String.fromCharCode(value)).join(""));
    }}"""
    told: str = page.evaluate(
        script, [module, base64.b64encode(mask.tobytes()).decode(), mask.shape[1], mask.shape[0], more]
    )
    return _bytes(told).reshape(mask.shape)


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(text), np.uint8)
