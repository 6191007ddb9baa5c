"""Tasks that share passes: they join, stop, fail and survive their worker's death each by itself."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.reliability.accounts import SIDE, balance
from tests.reliability.painting import paints, record, sent
from tests.server.receiving import until
from tests.server.running import Running

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker by /proc")
SQUARE = {"aspect_ratios_selection": f"{SIDE}*{SIDE}"}


@contextmanager
def three_share(folder: Path) -> Iterator[Running]:
    running = paints(folder, "--max-batch", "3")
    try:
        running.wait()
        yield running
    finally:
        assert running.stop() == 0, running.log


@pytest.fixture(scope="module")
def sharing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with three_share(tmp_path_factory.mktemp("sharing")) as running:
        yield running


def status(running: Running, task_id: str) -> str:
    told: str = record(running, task_id)["task_status"]
    return told


def goes(running: Running, task_id: str) -> None:
    """Returns once it is being painted."""
    until(lambda: record(running, task_id)["progress"] > 0)


def count(running: Running, name: str) -> float:
    lines = running.client.get("/metrics").text.splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith(f"gesso_{name} ")), 0.0)


def test_a_task_joins_another_in_the_middle_and_may_leave_before_it(sharing: Running) -> None:
    long = sent(sharing, **SQUARE, overwrite_step=200, image_number=4, image_seed=1)
    goes(sharing, long)
    short = sharing.made(**SQUARE, overwrite_step=10, guidance_scale=7.0, sampler_name="ddim", prompt="another")
    assert short["task_status"] == "finished"
    assert status(sharing, long) == "running"
    until(lambda: count(sharing, "pass_shares") > count(sharing, "passes") > 0)
    stopped = sent(sharing, **SQUARE, overwrite_step=200, image_seed=9)
    goes(sharing, stopped)
    assert sharing.client.post(f"/tasks/{stopped}/cancel").json()["task_status"] == "stop"
    assert status(sharing, long) == "running"
    assert sharing.client.post(f"/tasks/{long}/cancel").json()["task_status"] == "stop"


def test_who_may_not_share_waits_for_its_turn_and_nobody_overtakes_it(sharing: Running) -> None:
    first = sent(sharing, **SQUARE, overwrite_step=150)
    goes(sharing, first)
    alone = sent(sharing, **SQUARE, overwrite_step=1, deterministic=True)
    other = sent(sharing, overwrite_step=1)
    behind = sent(sharing, **SQUARE, overwrite_step=1)
    assert [record(sharing, task)["queue_position"] for task in (alone, other, behind)] == [0, 1, 2]
    until(lambda: status(sharing, behind) == "finished")
    ends = [record(sharing, task)["finish_mills"] for task in (first, alone, other, behind)]
    assert ends == sorted(ends)


def test_no_more_share_than_may(sharing: Running) -> None:
    tasks = [sent(sharing, **SQUARE, overwrite_step=150, image_seed=seed) for seed in range(4)]
    goes(sharing, tasks[2])
    assert [status(sharing, task) for task in tasks] == ["running"] * 3 + ["pending"]
    for task in tasks:
        sharing.client.post(f"/tasks/{task}/cancel")


def test_a_task_that_kills_its_worker_takes_no_other_with_it(sharing: Running) -> None:
    good = sent(sharing, **SQUARE, overwrite_step=100, image_seed=20)
    goes(sharing, good)
    bad = sent(sharing, **SQUARE, overwrite_step=100, image_seed=10, prompt="kills its worker")
    until(lambda: {status(sharing, task) for task in (good, bad)} == {"finished", "failed"}, 120)
    assert record(sharing, good)["result_seeds"] == [20]
    assert "exit code was 9" in record(sharing, bad)["error"]


@needs_proc
def test_kills_lose_nothing_of_tasks_that_share_and_make_nothing_twice(tmp_path: Path) -> None:
    chance = random.Random(3)
    with three_share(tmp_path) as running:
        accepted = {sent(running, **SQUARE, overwrite_step=40, image_number=2, image_seed=s): (s, 2) for s in (10, 20)}
        for task in accepted:
            goes(running, task)
        kill_worker(running)
        assert balance(running, accepted) == {"finished": 2}
        for task in accepted:
            assert "begun again (1)" in " ".join(record(running, task)["warnings"])
        for _ in range(6):
            for _ in range(chance.randint(1, 3)):
                seed, images, steps = 1000 * len(accepted), chance.randint(1, 3), chance.choice([2, 20])
                task = sent(running, **SQUARE, image_number=images, overwrite_step=steps, image_seed=seed)
                accepted[task] = (seed, images)
            time.sleep(chance.uniform(0, 0.7))
            running.wait()
            kill_worker(running)
        assert balance(running, accepted)["finished"] > len(accepted) / 2


def kill_worker(running: Running) -> None:
    if worker := running.worker():
        os.kill(worker, signal.SIGKILL)
