"""Memory does not grow: the server's and its worker's after a thousand tasks, against those after the first hundred."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.reliability.painting import paints, record
from tests.server.receiving import until
from tests.server.running import Running, as_text, start

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")

MOST_GROWTH = 1.1
AT_A_TIME = 10
"""Tasks that are sent before the first of them is waited for, so that the queue is at work, too."""


@pytest.mark.long
def test_a_thousand_tasks_of_the_starter_take_no_more_memory_than_a_hundred(tmp_path: Path) -> None:
    """The models that ship, through HTTP: pictures of several sizes, inpaints, and masks, in turn."""
    noise = np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    mask = Image.new("L", (128, 128))
    mask.paste(255, (40, 40, 90, 90))
    photo = as_text(Image.fromarray(noise))
    edit = {"inpaint_input_image": photo, "inpaint_mask_image_upload": as_text(mask)}
    kinds: list[dict[str, Any]] = [{"aspect_ratios_selection": f"{side}*64"} for side in (64, 96, 128)] + [edit]

    def masked() -> None:
        answer = running.client.post("/v1/tools/generate_mask", json={"image": photo})
        assert answer.status_code == 200, answer.text

    running = start(tmp_path, tmp_path / "models")
    running.wait()
    sizes = after_tasks(running, kinds, also=masked)
    assert running.stop() == 0, running.log
    assert_steady(sizes)


def test_many_tasks_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    """What is not the models': a painter of noise stands in their place, which takes seconds."""
    running = paints(tmp_path, step_s=0.0)
    running.wait()
    sizes = after_tasks(running, [{}], first=50, last=150)
    assert running.stop() == 0, running.log
    assert_steady(sizes)


def after_tasks(
    running: Running,
    kinds: Sequence[dict[str, Any]],
    *,
    first: int = 100,
    last: int = 1000,
    also: Callable[[], None] = lambda: None,
) -> list[tuple[int, int]]:
    """Bytes of the server and of its worker after each further `first` tasks, of the kinds in turn."""
    worker = running.worker() or 0
    sizes: list[tuple[int, int]] = []
    for number in range(0, last, AT_A_TIME):
        sent = []
        for seed in range(number, number + AT_A_TIME):
            answer = running.generate(image_seed=seed, async_process=True, **kinds[seed % len(kinds)])
            assert answer.status_code == 200, answer.text
            sent.append(answer.json()["task_id"])
        for task_id in sent:
            until(lambda task_id=task_id: record(running, task_id)["finish_mills"] > 0)  # type: ignore[misc]
            assert record(running, task_id)["task_status"] == "finished"
        also()
        if (number + AT_A_TIME) % first == 0:
            sizes.append((resident(running.process.pid), resident(worker)))
            print(f"after {number + AT_A_TIME} tasks: server {sizes[-1][0]}, worker {sizes[-1][1]} bytes", flush=True)
    assert running.worker() == worker, "the worker that was measured did all of it"
    return sizes


def assert_steady(sizes: list[tuple[int, int]]) -> None:
    for before, after in zip(sizes[0], sizes[-1], strict=True):
        assert after < MOST_GROWTH * before, sizes


def resident(process: int) -> int:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
