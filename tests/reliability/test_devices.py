"""Several workers share the work: what happens to one of them does not touch what the others do."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.accounts import SIDE, balance
from tests.reliability.painting import paints, record, sent
from tests.server.receiving import until
from tests.server.running import Running

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the workers by /proc")
SQUARE = {"aspect_ratios_selection": f"{SIDE}*{SIDE}"}
LONG = SQUARE | {"overwrite_step": 200, "image_number": 3}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with two workers that paint noise."""
    running = paints(tmp_path_factory.mktemp("pair"), "--devices", "cpu,cpu")
    try:
        both_ready(running)
        yield running
    finally:
        assert running.stop() == 0, running.log


def both_ready(running: Running) -> None:
    running.wait("/healthz")
    until(lambda: [each["status"] for each in states(running)] == ["ready", "ready"], 240)


def states(running: Running) -> list[dict[str, str]]:
    told: list[dict[str, str]] = running.client.get("/readyz").json()["workers"]
    return told


def two_at_once(running: Running) -> list[str]:
    """Tasks that are being painted at the same time, with seeds from 10 and from 20; what comes after them waits."""
    tasks = [sent(running, **LONG, image_seed=seed) for seed in (10, 20)]
    until(lambda: all(record(running, task)["progress"] > 0 for task in tasks))
    return tasks


def kill(running: Running, number: int) -> None:
    os.kill(running.workers()[number], signal.SIGKILL)


def again(running: Running, task: str) -> bool:
    return "begun again" in " ".join(record(running, task)["warnings"])


def status(running: Running, task: str) -> Any:
    return record(running, task)["task_status"]


def test_two_tasks_are_painted_at_once_and_each_is_stopped_by_itself(pair: Running) -> None:
    first, second = two_at_once(pair)
    third = sent(pair, **LONG, image_seed=3)
    assert record(pair, third)["queue_position"] == 0
    assert pair.client.post(f"/tasks/{second}/cancel").json()["task_status"] == "stop"
    until(lambda: record(pair, third)["progress"] > 0)
    assert status(pair, first) == "running"
    for task in (third, first):
        assert pair.client.post(f"/tasks/{task}/cancel").json()["task_status"] == "stop"
    until(lambda: 'gesso_passes{worker="1"}' in (told := pair.client.get("/metrics").text) and 'worker="0"' in told)


def test_a_task_whose_worker_is_killed_is_done_and_the_other_one_is_not_disturbed(pair: Running) -> None:
    tasks = two_at_once(pair)
    kill(pair, 0)
    until(lambda: all(status(pair, task) == "finished" for task in tasks), 120)
    assert sorted(again(pair, task) for task in tasks) == [False, True]
    assert [record(pair, task)["result_seeds"] for task in tasks] == [[10, 11, 12], [20, 21, 22]]
    both_ready(pair)


def test_when_a_worker_cannot_come_back_the_other_one_does_all_the_work(pair: Running) -> None:
    (pair.folder / "faults.load").write_text("crash crash crash")
    tasks = two_at_once(pair)
    kill(pair, 1)
    until(lambda: sorted(each["status"] for each in states(pair)) == ["broken", "ready"], 120)
    tasks.append(sent(pair, **SQUARE, overwrite_step=2, image_seed=3))
    until(lambda: all(status(pair, task) == "finished" for task in tasks), 120)
    assert sorted(again(pair, task) for task in tasks) == [False, False, True]
    assert pair.client.get("/readyz").status_code == 200
    assert "gesso_workers_ready 1.0" in pair.client.get("/metrics").text
    assert pair.client.post("/v1/engines/presets/starter/activate").status_code == 200
    assert [each["status"] for each in states(pair)] == ["ready", "ready"]


def test_kills_of_workers_and_server_lose_nothing_and_make_nothing_twice(tmp_path: Path) -> None:
    chance, accepted = random.Random(5), dict[str, tuple[int, int]]()
    more = ("--devices", "cpu,cpu,cpu", "--max-batch", "2")
    running = paints(tmp_path, *more)
    for number in range(6):
        running.wait()
        for _ in range(chance.randint(1, 4)):
            seed, images, steps = 1000 * len(accepted), chance.randint(1, 3), chance.choice([2, 30])
            task = sent(running, **SQUARE, image_number=images, overwrite_step=steps, image_seed=seed)
            accepted[task] = (seed, images)
        time.sleep(chance.uniform(0, 0.7))
        if number == 3:
            running.process.kill()
            running.process.wait()
            running.client.close()
            running = paints(tmp_path, *more)
        elif workers := running.workers():
            os.kill(chance.choice(workers), signal.SIGKILL)
    assert balance(running, accepted)["finished"] > len(accepted) / 2
    assert running.stop() == 0, running.log
