"""The server's own preset is switched while it runs: nothing that was asked for before suffers."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.receiving import until
from tests.server.running import GENERATE, Running, start
from tests.toys import stable_diffusion

QUICK = {"default_aspect_ratio": "64*64", "default_overwrite_step": 1, "default_sampler": "euler"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Path:
    """The toys, a second checkpoint, one that does not load, and a preset for each."""
    folder = tmp_path_factory.mktemp("switching") / "models"
    starter = folder / "checkpoints" / "gesso-starter"
    shutil.copytree(toy_models / "checkpoints" / "gesso-starter", starter)
    stable_diffusion(folder / "checkpoints" / "other", seed=5)
    shutil.copytree(starter, folder / "checkpoints" / "damaged")
    for weights in (folder / "checkpoints" / "damaged" / "unet").glob("*.safetensors"):
        weights.write_bytes(b"no tensors")
    (folder.parent / "presets").mkdir()
    for name, checkpoint in {"second": "other", "damaged": "damaged", "far": "far.safetensors"}.items():
        told = QUICK | {"default_model": checkpoint, "default_prompt": f"of {name}", "default_clip_skip": 1}
        (folder.parent / "presets" / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


Starting = Callable[..., Running]


@pytest.fixture
def starting(models: Path, tmp_path: Path) -> Iterator[Starting]:
    """Starts servers that keep their things in one folder; each ends when the next one starts."""
    last: list[Running] = []

    def stop() -> None:
        while last:
            assert last[0].stop() == 0, last[0].log
            last.pop()

    def begin(*more: str) -> Running:
        stop()
        last.append(start(tmp_path, models, *more))
        last[0].wait("/healthz")
        return last[0]

    yield begin
    stop()


def activate(server: Running, name: str, **query: Any) -> httpx.Response:
    return server.client.post(f"/v1/engines/presets/{name}/activate", params=query)


def active(server: Running) -> list[str]:
    return [entry["name"] for entry in server.client.get("/v1/engines/presets").json() if entry["active"]]


def entry(server: Running, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        entry for entry in server.client.get("/v1/engines/presets").json() if entry["name"] == name
    )
    return found


def used(server: Running, **fields: Any) -> tuple[str, str, str]:
    record = server.client.post(GENERATE, json=fields).json()["effective_params"]
    return record["preset"], record["checkpoint"], record["prompt"]


def test_an_activated_preset_stays_the_servers_own_until_another_is_set(starting: Starting, models: Path) -> None:
    server = starting()
    answer = activate(server, "second")
    assert (answer.status_code, answer.json()["active"], answer.json()["loading"]) == (200, True, False)
    assert active(server) == ["second"]
    assert server.client.get("/readyz").status_code == 200
    assert used(server) == used(server, preset="initial") == ("second", "other", "of second")
    server = starting()
    assert active(server) == ["second"]
    assert used(server) == ("second", "other", "of second")
    server = starting("--preset", "far")
    assert active(server) == ["far"]
    until(lambda: server.client.get("/readyz").json()["status"] == "broken")
    assert activate(server, "second").status_code == 200
    assert used(server) == ("second", "other", "of second")
    (models / "checkpoints" / "other").rename(models / "checkpoints" / "away")
    try:
        server = starting("--preset", "far")
        assert active(server) == ["far"]
        assert "Preset second was active, and far takes its place" in server.log
    finally:
        (models / "checkpoints" / "away").rename(models / "checkpoints" / "other")


def test_nothing_suffers_from_a_switch_nor_from_one_that_fails(starting: Starting) -> None:
    server = starting()
    server.wait()
    small = {"aspect_ratios_selection": "64*64", "async_process": True}
    ids = [
        server.client.post(GENERATE, json=small | {"overwrite_step": steps, "image_number": images}).json()["task_id"]
        for steps, images in ((150, 3), (1, 1))
    ]
    until(lambda: server.client.get(f"/tasks/{ids[0]}").json()["progress"] > 0)
    answer = activate(server, "second", wait=False)
    assert (answer.status_code, answer.json()["active"], answer.json()["loading"]) == (202, False, True)
    told = server.client.get("/readyz")
    assert (told.status_code, told.json()["status"]) == (503, "loading")
    assert "second" in told.json()["reason"] or "other" in told.json()["reason"]
    assert active(server) == ["starter"]
    until(lambda: active(server) == ["second"])
    server.wait()
    until(lambda: server.client.get(f"/tasks/{ids[1]}").json()["task_status"] == "finished")
    records = [server.client.get(f"/tasks/{task_id}").json() for task_id in ids]
    assert [record["task_status"] for record in records] == ["finished", "finished"]
    assert [len(record["result"]) for record in records] == [3, 1]
    assert [record["effective_params"]["checkpoint"] for record in records] == ["gesso-starter"] * 2
    answer = activate(server, "damaged")
    assert answer.status_code == 424, answer.text
    assert "damaged" in answer.json()["detail"]
    assert active(server) == ["second"]
    assert server.client.get("/readyz").status_code == 200
    assert used(server) == ("second", "other", "of second")
    assert "damaged" in entry(server, "damaged")["error"]


@pytest.mark.parametrize(
    ("name", "status", "told"), [("startr", 422, "starter"), ("anime", 424, "launch.py download anime")]
)
def test_what_cannot_be_is_refused_at_once(server: Running, name: str, status: int, told: str) -> None:
    answer = activate(server, name)
    assert answer.status_code == status
    assert told in answer.text
    assert "preset" in answer.text
    assert active(server) == ["starter"]
