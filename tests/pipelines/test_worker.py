"""The worker process: loads, works, survives failed jobs, and goes when it is told or left alone."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from configs.settings import Settings
from masking.plans import MaskPlan
from pipelines.events import Beat, Event, Failed, Finished, Picture, Ready, Skipped, Step
from pipelines.orders import Control, Quit, RunPlan, RunTool
from pipelines.planning import resolve
from pipelines.tasks.inpaint import Inpaint
from pipelines.tasks.text_to_image import TextToImage
from pipelines.worker import work
from tests import toys


@pytest.fixture
def start() -> Iterator[Any]:
    started: list[tuple[SpawnProcess, Connection]] = []

    def begin(settings: Settings) -> tuple[SpawnProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, settings))
        process.start()
        theirs.close()
        started.append((process, ours))
        return process, ours

    yield begin
    for process, pipe in started:
        pipe.close()
        process.join(20)
        process.kill()


def phases(pipe: Connection, job: str) -> set[str]:
    """What the worker says that it is at until a job's end."""
    told: set[str] = set()
    while True:
        assert pipe.poll(120)
        name, event = pipe.recv()
        if isinstance(event, Beat):
            told.add(event.phase)
        elif name == job and isinstance(event, Finished | Failed | Ready):
            return told


def until_the_end(pipe: Connection, job: str) -> list[Event]:
    events: list[Event] = []
    while not events or not isinstance(events[-1], Finished | Failed | Ready):
        assert pipe.poll(120)
        name, event = pipe.recv()
        if not isinstance(event, Beat):
            assert name == job
            events.append(event)
    return events


def test_a_worker_loads_works_goes_on_after_failures_and_quits(start, tmp_path):
    toys.stable_diffusion(tmp_path / "models/checkpoints/gesso-starter", unet_channels=9)
    settings = Settings(models_path=tmp_path / "models", output_path=tmp_path, device="cpu", threads=1)
    process, pipe = start(settings)
    assert phases(pipe, "") == {"load"}

    plan = resolve(TextToImage(prompt="a ball", steps=2, width=64, height=64, seed=1), settings).to_json()
    pipe.send(RunPlan(job="a", plan_json=plan))
    first = until_the_end(pipe, "a")
    assert [type(event) for event in first] == [Step, Step, Picture, Finished]

    image, mask = tmp_path / "i.png", tmp_path / "m.png"
    Image.new("RGB", (64, 64)).save(image)
    Image.new("L", (64, 64), 255).save(mask)
    gone = resolve(Inpaint(image=image, mask=mask), settings).to_json()
    image.unlink()
    pipe.send(RunPlan(job="b", plan_json=gone))
    failed = until_the_end(pipe, "b")[-1]
    assert isinstance(failed, Failed)
    assert failed.kind == "FileNotFoundError"

    pipe.send(RunTool(job="c", tool="mask", plan_json=MaskPlan(image=mask, model="none").to_json()))
    failed = until_the_end(pipe, "c")[-1]
    assert isinstance(failed, Failed)
    assert failed.kind == "ModelMissing"

    pipe.send(RunPlan(job="d", plan_json=plan))
    again = until_the_end(pipe, "d")
    assert [event for event in again if isinstance(event, Picture)] == [e for e in first if isinstance(e, Picture)]

    pair = resolve(TextToImage(prompt="a ball", steps=100, width=64, height=64, image_number=2), settings).to_json()
    for order in (
        RunPlan(job="e", plan_json=pair),
        Control(job="e", action="skip"),
        RunPlan(job="f", plan_json=pair),
        Control(job="f", action="stop"),
    ):
        pipe.send(order)
    skipped, stopped = until_the_end(pipe, "e"), until_the_end(pipe, "f")
    assert [event for event in skipped if isinstance(event, Skipped)] == [Skipped(image=1)]
    assert [event.index for event in skipped if isinstance(event, Picture)] == [1]
    assert skipped[-1] == Finished()
    assert stopped == [Finished(stopped=True)]

    tools_between_steps(pipe, settings, mask)
    long = resolve(TextToImage(prompt="a ball", steps=100, width=64, height=64, image_number=6), settings)
    pipe.send(RunPlan(job="beats", plan_json=long.to_json()))
    assert "step" in phases(pipe, "beats")

    pipe.send(Control(job="f", action="stop"))  # too late: it has ended
    endless = resolve(TextToImage(prompt="a ball", steps=200, width=64, height=64, image_number=32), settings)
    pipe.send(RunPlan(job="g", plan_json=endless.to_json()))
    assert pipe.poll(60)
    pipe.send(Quit())
    process.join(60)
    assert process.exitcode == 0


def tools_between_steps(pipe: Connection, settings: Settings, picture: Path) -> None:
    """Three calls wait while a plan is drawn: one gets its turn before a step, the next before the following one."""
    plan = resolve(TextToImage(prompt="a ball", steps=20, width=64, height=64, seed=1), settings).to_json()
    pipe.send(RunPlan(job="long", plan_json=plan))
    for job in "xyz":
        pipe.send(RunTool(job=job, tool="mask", plan_json=MaskPlan(image=picture, model="gesso-salient").to_json()))
    told: list[str] = []
    while "long Finished" not in told:
        assert pipe.poll(120)
        job, event = pipe.recv()
        told.append(f"{job} {type(event).__name__}")
    marks = "".join("." if mark == "long Step" else mark[0] for mark in told if mark.endswith(("Step", "ToolDone")))
    assert marks.replace(".", "") == "xyz"
    assert "y." in marks, "each call has a turn of its own: before the image is begun, and before each of its steps"
    assert ".z." in marks
    assert marks.endswith("."), "and none for the plan's end"


def test_a_worker_that_cannot_load_says_why_and_ends(start, tmp_path: Path):
    folder = toys.stable_diffusion(tmp_path / "models/checkpoints/gesso-starter")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    process, pipe = start(Settings(models_path=tmp_path / "models", output_path=tmp_path, device="cpu"))
    failed = until_the_end(pipe, "")[-1]
    assert isinstance(failed, Failed)
    assert failed.kind == "BrokenModel"
    process.join(60)
    assert process.exitcode == 0
