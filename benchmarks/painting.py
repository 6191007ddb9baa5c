"""Painting a mask in the page's Edit view: frame times while the pointer moves, and how long the larger changes take.

The page's own modules in headless Chromium, with a real (driven) mouse; no server is needed for that.
"""

import shutil
import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from math import cos, pi, sin
from typing import Any

from server.web.page import FOLDER

SIDE = 4096
STAGE = {"width": 1440, "height": 900}
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
STROKES = ((64, 1.0), (256, 1.0), (1024, 1.0), (256, 6.0))
"""Brush sizes in the picture's pixels, and how many times larger than fitting the picture is shown."""

SET_UP = """async ([side]) => {
    const load = (name) => import(`/edit/${name}.js`);
    const [{ View }, { Mask }, { brush }, { pointer }] =
        await Promise.all([load("picture"), load("mask"), load("brush"), load("pointer")]);
    document.body.innerHTML = "<section class='view edit'><div class='edit-stage' tabindex='0'></div></section>";
    const stage = document.querySelector(".edit-stage");
    const ring = document.createElement("div");
    ring.className = "edit-ring";
    stage.append(ring);
    const picture = new OffscreenCanvas(side, side);
    const drawing = picture.getContext("2d");
    for (let i = 0; i < 400; i++) {
        drawing.fillStyle = `hsl(${i * 37} 60% 55%)`;
        drawing.fillRect((i * 997) % side, (i * 1409) % side, side / 6, side / 9);
    }
    const bitmap = await createImageBitmap(picture);
    const desk = { view: new View(stage), mask: new Mask(side, side), brush: { size: 64, softness: 0 }, ready: true };
    Object.assign(desk, { locked: false, modeOf: () => "add" });
    desk.tool = brush(desk, "brush");
    desk.view.show(bitmap, desk.mask);
    pointer(stage, ring, desk);
    const told = (window.told = { frames: [], work: 0, works: [], desk, load });
    told.show = (size, zoom) => {
        desk.brush.size = size;
        desk.view.fit();
        desk.view.zoom(zoom);
    };
    const frame = requestAnimationFrame;
    const timed = (work) => (...given) => {
        const start = performance.now();
        work(...given);
        told.work += performance.now() - start;
    };
    window.requestAnimationFrame = (work) => frame(timed(work));
    desk.tool.move = timed(desk.tool.move);
    let last = 0;
    const tick = (now) => {
        told.frames.push(now - last);
        told.works.push(told.work);
        told.work = 0;
        last = now;
        frame(tick);
    };
    frame(tick);
}"""

CHANGES = {
    "end of a stroke over all (history)": "desk.mask.commit()",
    "undo": "desk.mask.undo()",
    "redo": "desk.mask.redo()",
    "invert": "(await load('shape')).invert(desk.mask)",
    "grow by 16": "(await load('shape')).grow(desk.mask, 16)",
    "feather by 16": "(await load('shape')).feather(desk.mask, 16)",
    "fill": "(await load('fill')).flood(desk.mask, 5, 5, false); desk.mask.commit()",
    "the file that is sent": "await (await load('png')).greyPng(desk.mask.data, desk.mask.width, desk.mask.height)",
    "what is kept for a reload": "desk.mask.packed()",
}


def run(cases: int = 120) -> None:
    """Print both tables. cases: how many moves of the mouse a stroke has."""
    with _page() as page:
        print(f"A mask of {SIDE} × {SIDE} on a stage of {STAGE['width']} × {STAGE['height']}.\n")
        print("| brush, px | zoom | ms a frame, median | 95 % | longest | own work in it, median | 95 % | longest |")
        print("|---|---|---|---|---|---|---|---|")
        for size, zoom in STROKES:
            frames, works = _stroke(page, size, zoom, cases)
            print(f"| {size} | {zoom:g} × | {_row(frames)} | {_row(works)} |")
        print("\n| change of the whole mask | ms |\n|---|---|")
        page.evaluate(
            "(({ mask }) => mask.change(mask.whole, () => mask.data.fill(255, 0, mask.data.length / 2)))(told.desk)"
        )
        for name, script in CHANGES.items():
            timed = "const start = performance.now(); {}; return performance.now() - start"
            taken = page.evaluate(f"async () => {{ const {{ desk, load }} = told; {timed.format(script)}; }}")
            print(f"| {name} | {taken:.0f} |")


def _stroke(page: Any, size: int, zoom: float, moves: int) -> tuple[Sequence[float], Sequence[float]]:
    """One long stroke around the middle: how long each frame took, and how much of that was the page's own work."""
    page.evaluate("([size, zoom]) => told.show(size, zoom)", [size, zoom])
    page.wait_for_timeout(500)
    middle, reach = (STAGE["width"] / 2, STAGE["height"] / 2), 300
    page.mouse.move(middle[0] + reach, middle[1])
    page.mouse.down()
    page.evaluate("told.frames.length = told.works.length = 0")
    for i in range(moves):
        turn = 2 * pi * i / 60
        page.mouse.move(middle[0] + reach * cos(turn), middle[1] + reach * sin(2 * turn))
    frames, works = page.evaluate("[told.frames, told.works]")
    page.mouse.up()
    return frames[1:], [work for work in works[1:] if work > 0]


def _row(values: Sequence[float]) -> str:
    cuts = statistics.quantiles(values, n=20)
    return f"{statistics.median(values):.1f} | {cuts[-1]:.1f} | {max(values):.1f}"


@contextmanager
def _page() -> Iterator[Any]:
    """A page with the view's stage. Raises SystemExit where there is no Chromium."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise SystemExit("There is no Chromium; README.md names the package to install.")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(FOLDER)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
            page = browser.new_page(viewport=STAGE)  # type: ignore[arg-type]
            page.goto(f"http://127.0.0.1:{server.server_port}/styles/base.css")
            page.evaluate("""() => { for (const name of ["base", "edit"]) {
                const link = document.createElement("link");
                Object.assign(link, { rel: "stylesheet", href: `/styles/${name}.css` });
                document.head.append(link);
            } }""")
            page.evaluate(SET_UP, [SIDE])
            page.wait_for_timeout(1500)
            yield page
            browser.close()
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word. JavaScript by its own type, whatever the machine's table says."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript"}

    def log_message(self, *args: Any) -> None:
        pass
