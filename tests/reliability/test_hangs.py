"""A worker that hangs, dies or runs out of memory: it is replaced, its task tried again, and HTTP answers on."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.events import Beat
from server.watch import Watch
from tests.reliability.painting import paints, record, sent
from tests.server.receiving import until
from tests.server.running import Running

STEP_TIMEOUT = 5

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker by /proc")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose worker suffers what is written into the file `faults` of its folder."""
    running = paints(tmp_path_factory.mktemp("faulty"), "--step-timeout", str(STEP_TIMEOUT))
    try:
        running.wait()
        yield running
    finally:
        assert running.stop() == 0, running.log


def suffer(running: Running, faults: str) -> None:
    (running.folder / "faults").write_text(faults)


def begun(running: Running, **fields: Any) -> str:
    """A task that is being painted."""
    task_id = sent(running, **fields)
    until(lambda: record(running, task_id)["progress"] > 0)
    return task_id


def ended(running: Running, task_id: str) -> dict[str, Any]:
    """The record at its end; until then every look at it is answered at once."""
    while (told := record(running, task_id))["finish_mills"] < 0:
        asked = time.monotonic()
        assert running.client.get("/healthz").status_code == 200
        assert time.monotonic() - asked < 5
        time.sleep(0.1)
    return told


@needs_proc
def test_a_worker_that_is_stopped_is_replaced_and_its_task_done(faulty: Running) -> None:
    task_id = begun(faulty, image_number=4, overwrite_step=100, image_seed=1)
    time.sleep(1.5)  # it has told by now that it is no longer loading, for which it would have more time
    worker = faulty.worker()
    assert worker
    os.kill(worker, signal.SIGSTOP)
    stopped = time.monotonic()
    until(lambda: not Path(f"/proc/{worker}").exists(), 30)
    assert time.monotonic() - stopped < STEP_TIMEOUT + 5
    done = ended(faulty, task_id)
    assert (done["task_status"], done["result_seeds"]) == ("finished", [1, 2, 3, 4])
    assert "no sign of life" in " ".join(done["warnings"])


def test_a_step_that_never_ends_is_ended_and_its_task_done(faulty: Running) -> None:
    suffer(faulty, "pass pass loop")
    done = ended(faulty, begun(faulty, image_number=2, overwrite_step=2, image_seed=1))
    assert (done["task_status"], done["result_seeds"]) == ("finished", [1, 2])
    assert f"at a denoising step for more than {STEP_TIMEOUT} s" in " ".join(done["warnings"])


def test_a_task_that_crashes_its_worker_three_times_fails_with_the_reason(faulty: Running) -> None:
    suffer(faulty, "pass crash crash crash")
    done = ended(faulty, begun(faulty, overwrite_step=3))
    assert done["task_status"] == "failed"
    assert "exit code was 9" in done["error"]
    assert faulty.made(prompt="the next goes on")["task_status"] == "finished"


def test_a_task_without_memory_even_in_a_lean_way_fails_and_the_worker_goes_on(faulty: Running) -> None:
    worker = faulty.worker()
    suffer(faulty, "memory " * 9)
    answer = faulty.generate()
    suffer(faulty, "")
    assert answer.status_code == 507
    assert "too little memory" in answer.json()["detail"]
    assert faulty.made(prompt="the next goes on")["task_status"] == "finished"
    assert faulty.worker() == worker


def looks(watch: Watch, times: int) -> list[str]:
    return [wrong for _ in range(times) if (wrong := watch.look())]


def test_each_thing_has_a_time_of_its_own() -> None:
    for phase, seconds, is_late in (
        ("idle", 10**6, False),
        ("step", 99, False),
        ("step", 101, True),
        ("decode", 199, False),
        ("decode", 201, True),
        ("load", 599, False),
        ("load", 601, True),
    ):
        watch = Watch(100)
        watch.heard(Beat(phase=phase, seconds=seconds, megapixels=0))  # type: ignore[arg-type]
        assert bool(watch.look()) == is_late, (phase, seconds)


def test_large_pictures_get_more_time_and_who_wants_no_limit_gets_none() -> None:
    large = Beat(phase="step", seconds=350, megapixels=4)
    for step_timeout, is_late in ((100, False), (80, True), (0, False)):
        watch = Watch(step_timeout)
        watch.heard(large)
        assert bool(watch.look()) == is_late, step_timeout


def test_silence_is_counted_in_looks_so_that_a_machine_that_slept_kills_nobody() -> None:
    watch = Watch(600)
    watch.heard(Beat(phase="idle", seconds=0, megapixels=0))
    assert looks(watch, 60) == []
    assert looks(watch, 1)
    watch.heard(Beat(phase="idle", seconds=0, megapixels=0))
    assert looks(watch, 60) == []
