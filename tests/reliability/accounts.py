"""What must be true of the tasks that a server accepted, once all have ended: file by file, pixel by pixel."""

import time
from collections import Counter
from typing import Any

import numpy as np
from PIL import Image

from tests.server.running import Running

SIDE = 256
"""Pictures of this size leave the painter of noise as they are."""


def settle(running: Running, accepted: dict[str, tuple[int, int]], seconds: float = 300) -> dict[str, dict[str, Any]]:
    """The records of all accepted tasks at their ends. accepted: first seed and number of images by task id."""
    deadline = time.monotonic() + seconds
    records: dict[str, dict[str, Any]] = {}
    while len(records) < len(accepted):
        for task_id in accepted.keys() - records.keys():
            told = running.client.get(f"/tasks/{task_id}").json()
            if told["finish_mills"] > 0:
                records[task_id] = told
        assert time.monotonic() < deadline, f"{len(accepted) - len(records)} tasks never ended"
        time.sleep(0.2)
    return records


def balance(running: Running, accepted: dict[str, tuple[int, int]]) -> Counter[str]:
    """Wait for the end of all tasks; how many ended in which way. Asserts that nothing is lost, twice or wrong."""
    records = settle(running, accepted)
    named: list[str] = []
    for task_id, (seed, images) in accepted.items():
        told = records[task_id]
        seeds = told["result_seeds"]
        if told["task_status"] == "finished":
            assert seeds == list(range(seed, seed + images)), told
        else:
            assert set(seeds) < set(range(seed, seed + images)), told
            assert told["task_status"] == "stop" or "worker process" in told["error"], told
        named += [url.split("/")[-1] for url in told["result"]]
        for url, its_seed in zip(told["result"], seeds, strict=True):
            check(running, url, its_seed)
    files = [path.name for path in running.outputs.glob("????-??-??/*")]
    assert sorted(files) == sorted(named), "each file is one task's, and there is no other"
    assert len(set(named)) == len(named)
    return Counter(told["task_status"] for told in records.values())


def check(running: Running, url: str, seed: int) -> None:
    """The file is whole, and the picture of its seed."""
    day, name = url.split("/")[-2:]
    with Image.open(running.outputs / day / name) as picture:
        pixels = np.asarray(picture)
    expected = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    np.testing.assert_array_equal(pixels, expected)
