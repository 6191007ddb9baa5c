"""What cannot fit in memory is refused before it runs, with the largest size that would."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from configs.settings import Settings
from masking.errors import DoesNotFit
from pipelines import checkpoints, fitting
from pipelines.fitting import Memory
from pipelines.planning import resolve
from pipelines.tasks.text_to_image import TextToImage
from tests.reliability.painting import paints, record
from tests.server.receiving import until
from tests.server.running import GENERATE, Running, as_text

LIMIT = "620MB"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server on what seems a small machine. The starter's headers are read, a painter of noise paints."""
    running = paints(tmp_path_factory.mktemp("small"), "--memory-limit", LIMIT, step_s=0.001)
    try:
        running.wait()
        yield running
    finally:
        assert running.stop() == 0, running.log


@pytest.fixture(scope="module")
def large_photo() -> str:
    noise = np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return as_text(Image.fromarray(noise).resize((1600, 1200)), "JPEG")


def refused(running: Running, **fields: Any) -> tuple[str, str, tuple[int, int]]:
    """The field that is blamed, the sentence, and the size that it names."""
    answer = running.generate(**fields)
    assert answer.status_code == 422, answer.text
    (told,) = answer.json()["detail"]
    assert told["type"] == "does_not_fit"
    found = re.search(r"the largest of this shape that fits is (\d+) x (\d+)", told["msg"])
    assert found, told["msg"]
    return told["loc"][1], told["msg"], (int(found[1]), int(found[2]))


def test_too_large_a_picture_is_refused_and_the_size_that_is_named_is_made(small: Running) -> None:
    before = small.client.get("/tasks").json()
    field, sentence, (width, height) = refused(small, aspect_ratios_selection="6144*4096")
    assert field == "aspect_ratios_selection"
    assert "6144 x 4096" in sentence
    assert "620 MB are there (--memory-limit 620MB)" in sentence
    estimate = re.search(r"at least (\d+) MB of memory \((\d+) MB for weights\)", sentence)
    assert estimate
    assert int(estimate[1]) > 620 > int(estimate[2]) > 0
    assert small.client.get("/tasks").json() == before, "nothing was queued"
    assert abs(width / height - 1.5) < 0.02
    assert small.made(aspect_ratios_selection=f"{width}*{height}")["task_status"] == "finished"
    refused(small, aspect_ratios_selection=f"{width + 6144 // fitting.SHARES}*{height + 4096 // fitting.SHARES}")


def test_many_pictures_of_a_size_may_be_too_many(small: Running) -> None:
    assert small.made(aspect_ratios_selection="1024*1024")["task_status"] == "finished"
    _, sentence, size = refused(small, aspect_ratios_selection="1024*1024", image_number=32)
    assert "1024 x 1024 pixels, 32 times" in sentence
    assert "fewer pictures" in sentence
    assert size[0] < 1024


def test_edits_are_refused_by_the_size_that_they_would_have(small: Running, large_photo: str) -> None:
    outpaint = {"inpaint_input_image": large_photo, "outpaint_selections": ["Left", "Right"]}
    field, sentence, _ = refused(small, **outpaint, outpaint_distance=[2400, 0, 2400, 0])
    assert (field, "6400 x 1200" in sentence) == ("outpaint_distance", True)
    upscale = {"uov_input_image": large_photo, "uov_method": "Upscale (Custom)", "upscale_multiple": 4}
    field, sentence, (width, _) = refused(small, **upscale)
    assert (field, "6400 x 4800" in sentence) == ("uov_input_image", True)
    assert 0 < width < 6400


def test_an_inpaint_of_too_large_a_picture_blames_the_picture(small: Running, large_photo: str) -> None:
    mask = Image.new("L", (1600, 1200))
    mask.paste(255, (100, 100, 160, 160))
    edit = {"inpaint_input_image": large_photo, "inpaint_mask_image_upload": as_text(mask)}
    field, _, _ = refused(small, **edit, image_number=32)
    assert field == "inpaint_input_image"


def test_what_was_accepted_before_the_memory_was_known_is_refused_before_it_runs(tmp_path: Path) -> None:
    (tmp_path / "faults.load").write_text("waits")
    running = paints(tmp_path, "--memory-limit", LIMIT, step_s=0.001)
    running.wait("/healthz")
    answers: list[httpx.Response] = []
    client = httpx.Client(base_url=running.client.base_url, timeout=120, trust_env=False)
    body = {"aspect_ratios_selection": "6144*4096"}
    waits = threading.Thread(target=lambda: answers.append(client.post(GENERATE, json=body)))
    waits.start()
    until(lambda: bool(running.client.get("/tasks").json()["current"]), 120)
    (tmp_path / "faults.go").touch()
    waits.join(120)
    client.close()
    told = answers[0].json()
    assert answers[0].status_code == 422
    assert "the largest of this shape that fits" in told["detail"][0]["msg"]
    assert record(running, told["task_id"])["task_status"] == "failed"
    assert running.made(prompt="a small one is made")["task_status"] == "finished"
    assert running.stop() == 0, running.log


def test_the_usual_machine_refuses_nothing_that_the_starter_paints(tmp_path: Path) -> None:
    settings = Settings(models_path=tmp_path)
    machine = Memory(device="cpu", main=4 * 10**9)
    for width, height in ((256, 256), (512, 512), (2048, 2048), (8000, 8000)):
        assert resolve(TextToImage(width=width, height=height), settings, memory=machine)


def test_a_device_need_not_hold_all_of_a_model_unless_it_must(tmp_path: Path) -> None:
    memory = Memory(device="cuda", main=64 * 10**9, own=25_000_000)
    task = TextToImage(width=256, height=256)
    assert resolve(task, Settings(models_path=tmp_path), memory=memory)
    with pytest.raises(DoesNotFit, match="take a smaller checkpoint") as refusal:
        resolve(task, Settings(models_path=tmp_path, vram="high"), memory=memory)
    assert refusal.value.field == "checkpoint"


def test_every_family_that_is_known_has_its_estimate() -> None:
    from pipelines.families import families

    assert set(fitting._table()["families"]) == set(families())


def test_what_fits_only_in_the_leanest_way_is_painted_so(tmp_path: Path) -> None:
    settings = Settings(models_path=tmp_path)
    found = checkpoints.find("gesso-starter", settings)
    plan = resolve(TextToImage(width=320, height=320), settings)
    tight, ample = Memory(device="cuda", main=10**10, own=30_000_000), Memory(device="cuda", main=10**10, own=10**9)
    assert fitting.is_tight(plan, found, settings, tight)
    fitting.refuse(plan, found, settings, tight)
    assert not fitting.is_tight(plan, found, settings, ample)
