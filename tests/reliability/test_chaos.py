"""Kills at random moments, many clients at once, a full disk, a clock that jumps: the account is exact."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.reliability.accounts import SIDE, balance
from tests.reliability.painting import paints, record, sent
from tests.server.receiving import until
from tests.server.running import GENERATE, Running

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker by /proc")
SQUARE = {"aspect_ratios_selection": f"{SIDE}*{SIDE}"}


@needs_proc
@pytest.mark.parametrize("rounds", [pytest.param(500, marks=pytest.mark.long), 50])
def test_kills_at_random_moments_lose_nothing_and_make_nothing_twice(tmp_path: Path, rounds: int) -> None:
    """The server and its worker are real processes; in the worker a painter of noise takes the models' place.

    A worker that dies three times in a row while it loads is held to be broken, so two kills never both hit that.
    """
    chance, kills = random.Random(rounds), Counter[str]()
    accepted: dict[str, tuple[int, int]] = {}
    running = paints(tmp_path, "--max-queue", "100000")
    running.wait()
    loads = False
    for number in range(rounds):
        for _ in range(chance.randint(0, 2)):
            accept(running, accepted, images=chance.randint(1, 3), steps=chance.choice([2, 20]))
        time.sleep(chance.uniform(0, 0.7))
        if accepted and chance.random() < 0.1:
            running.client.post(f"/tasks/{chance.choice(list(accepted))}/cancel")
        if loads:
            running.wait()
        worker, chosen = running.worker(), chance.random()
        loads = running.client.get("/readyz").status_code != 200
        if chosen < 0.8 or number == rounds - 1:
            kills["worker"] += worker is not None
            kill(worker)
        else:
            both = chosen < 0.9
            kills["both" if both else "server"] += 1
            running.process.kill()
            kill(worker if both else None)
            running.process.wait()
            running.client.close()
            running = paints(tmp_path, "--max-queue", "100000")
            running.wait("/healthz")
    ends = balance(running, accepted)
    print(f"{rounds} rounds, kills {dict(kills)}, {len(accepted)} tasks accepted, ended as {dict(ends)}")
    assert ends["finished"] > len(accepted) / 2
    assert running.stop() == 0, running.log


def accept(running: Running, accepted: dict[str, tuple[int, int]], *, images: int, steps: int) -> None:
    seed = 1000 * len(accepted)
    task_id = sent(running, **SQUARE, image_number=images, overwrite_step=steps, image_seed=seed)
    accepted[task_id] = (seed, images)


def kill(process: int | None) -> None:
    if process:
        os.kill(process, signal.SIGKILL)


def test_two_hundred_clients_at_once_all_get_their_own_pictures(painter: Running) -> None:
    before = {path.name for path in painter.outputs.glob("????-??-??/*")}
    limits = httpx.Limits(max_connections=200)
    with httpx.Client(base_url=painter.client.base_url, timeout=300, limits=limits, trust_env=False) as client:

        def ask(seed: int) -> httpx.Response:
            return client.post(GENERATE, json=SQUARE | {"overwrite_step": 1, "image_seed": seed})

        with ThreadPoolExecutor(200) as crowd:
            answers = list(crowd.map(ask, range(200)))
    assert {answer.status_code for answer in answers} == {200}
    told = [answer.json() for answer in answers]
    assert [one["result_seeds"] for one in told] == [[seed] for seed in range(200)]
    names = {one["result"][0].split("/")[-1] for one in told}
    assert {path.name for path in painter.outputs.glob("????-??-??/*")} - before == names
    assert len(names) == 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root on Linux can make a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_the_task_with_the_reason_and_nothing_else(tmp_path: Path, small_disk: Path) -> None:
    outputs = ("--output-path", str(small_disk / "outputs"), "--database", str(tmp_path / "tasks.sqlite3"))
    running = paints(tmp_path, *outputs)
    running.wait()
    failed = running.generate(**SQUARE, image_number=8, image_seed=1)
    assert failed.status_code == 500
    assert "No space left" in failed.json()["detail"]
    told = record(running, failed.json()["task_id"])
    assert told["task_status"] == "failed"
    files = list((small_disk / "outputs").glob("*/*"))
    assert sorted(path.name for path in files) == sorted(url.split("/")[-1] for url in told["result"])
    assert running.client.delete(f"/tasks/{told['task_id']}").status_code == 204
    assert running.made(**SQUARE, prompt="there is room again")["task_status"] == "finished"
    assert running.stop() == 0, running.log


def test_a_clock_that_jumps_disturbs_no_task(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    running = paints(tmp_path, variables={"GESSO_TEST_CLOCK": str(clock)})
    running.wait()
    worker = running.worker()
    for offset in (0, -86400, 400 * 86400, -86400):
        task = sent(running, overwrite_step=30)
        until(lambda task=task: record(running, task)["progress"] > 0)  # type: ignore[misc]
        clock.write_text(str(offset))
        until(lambda task=task: record(running, task)["task_status"] == "finished")  # type: ignore[misc]
    told = running.client.get("/tasks").json()["history"]
    assert max(one["finish_mills"] for one in told) - min(one["finish_mills"] for one in told) > 10**10
    assert counts_are_sane(running.client.get("/metrics").text)
    assert running.worker() == worker
    assert running.stop() == 0, running.log


def counts_are_sane(metrics: str) -> bool:
    sums: dict[str, Any] = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if "_sum " in line)
    return bool(sums) and all(0 <= float(value) < 600 for value in sums.values())
