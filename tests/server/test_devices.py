"""Two workers on two devices (here the processor, named twice), and which worker does what."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image

from configs.settings import Settings
from pipelines import planning
from pipelines.plans import Plan
from pipelines.tasks.text_to_image import TextToImage
from server.devices import posts
from server.seating import PATIENCE_S, Seating
from server.worker import Worker
from tests.server.receiving import until
from tests.server.running import Running, as_text, ready
from tests.server.test_memory import LOAD, MEMORY, UNLOAD

OTHER = ("checkpoint", "sub/other")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """A server whose two workers have both loaded the starter."""
    with ready(tmp_path_factory.mktemp("pair"), toy_models, "--devices", "cpu,cpu") as running:
        until(lambda: [each["status"] for each in memory(running)["workers"]] == ["ready", "ready"], 240)
        yield running


def memory(running: Running) -> dict[str, Any]:
    told: dict[str, Any] = running.client.get(MEMORY).json()
    return told


def holders(report: dict[str, Any], kind: str, name: str) -> list[int]:
    """The numbers of the workers where a model lies."""
    return sorted(one["worker"] for one in report["models"] if (one["kind"], one["name"]) == (kind, name))


def test_memory_tells_of_each_worker_and_of_all_together(pair: Running) -> None:
    report = memory(pair)
    first, second = report["workers"]
    assert (report["device"], first["device"], second["worker"]) == ("cpu", "cpu", 1)
    assert holders(report, "checkpoint", "gesso-starter") == [0, 1]
    assert report["used"] == first["used"] + second["used"] > 0
    assert report["total"] == first["total"]
    assert report["limit"] == first["limit"] + second["limit"] <= report["total"] * 90 // 100


def test_two_pictures_are_painted_at_once_and_a_mask_does_not_wait_for_their_end(pair: Running) -> None:
    slow = {"overwrite_step": 200, "image_number": 32, "async_process": True}
    tasks = [pair.generate(**slow, image_seed=seed).json()["task_id"] for seed in (1, 2)]
    until(lambda: all(pair.client.get(f"/tasks/{task}").json()["progress"] > 0 for task in tasks))
    picture = as_text(Image.new("RGB", (40, 24), "red"))
    assert pair.client.post("/v1/tools/generate_mask", json={"image": picture}).status_code == 200
    report = memory(pair)
    for task in tasks:
        assert pair.client.post(f"/tasks/{task}/cancel").json()["task_status"] == "stop"
    assert sorted((one["name"], one["worker"]) for one in report["models"] if one["in_use"]) == [
        ("gesso-starter", 0),
        ("gesso-starter", 1),
    ]


def test_a_checkpoint_stays_where_it_lies_and_models_come_and_go_at_one_worker_or_at_all(pair: Running) -> None:
    kind, name = OTHER
    for prompt in ("loads it", "finds it there", "and there"):
        pair.made(prompt=prompt, base_model_name=name)
    (there,) = holders(memory(pair), *OTHER)
    unloaded = pair.client.post(UNLOAD, json={"kind": kind, "name": name}).json()["unloaded"]
    assert unloaded == [{"kind": kind, "name": name, "worker": there}]
    assert holders(pair.client.post(LOAD, json={"kind": kind, "name": name, "worker": 1}).json(), *OTHER) == [1]
    pair.made(prompt="goes where that is", base_model_name=name)
    assert holders(memory(pair), *OTHER) == [1]
    assert holders(pair.client.post(LOAD, json={"kind": kind, "name": name}).json(), *OTHER) == [0, 1]
    assert pair.client.post(UNLOAD).json()["models"] == []
    refused = pair.client.post(LOAD, json={"kind": kind, "name": name, "worker": 2})
    assert (refused.status_code, "worker" in refused.text) == (422, True)


@pytest.fixture
def plan(toy_models: Path) -> Plan:
    asked = TextToImage(prompt="a ball", width=64, height=64, steps=1)
    return planning.resolve(asked, Settings(models_path=toy_models))


def of(plan: Plan, checkpoint: str) -> Plan:
    return replace(plan, recipe=replace(plan.recipe, checkpoint=checkpoint))


class Workers:
    """Two of them, of which one has loaded A and the other one B, and who sits where. clock: seconds."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.clock = plan, 0.0
        self.one, self.two = (
            SimpleNamespace(state="ready", holds={name}, company=1, busy=0, large=True) for name in "AB"
        )
        workers = cast(list[Worker], [self.one, self.two])
        self.seating = Seating(workers, lambda _, worker: cast(Any, worker).large, lambda: self.clock)

    def take(self, job: str, checkpoint: str) -> Any:
        """The worker that a plan gets, None while it waits."""
        return self.turn(job) if self.seating.take(job, of(self.plan, checkpoint)) else None

    def turn(self, job: str) -> Any:
        return self.seating.turn(job)


def test_a_plan_goes_to_the_free_worker_where_its_checkpoint_lies_else_to_the_one_used_longest_ago(plan: Plan) -> None:
    workers = Workers(plan)
    assert workers.take("1", "B") is workers.two
    workers.seating.leave("1")
    assert workers.take("2", "C") is workers.one
    workers.seating.leave("2")
    assert workers.take("3", "D") is workers.two
    assert workers.take("4", "E") is workers.one
    assert workers.take("5", "E") is None


def test_it_waits_for_a_worker_that_has_its_checkpoint_but_not_for_long(plan: Plan) -> None:
    workers = Workers(plan)
    assert workers.take("1", "A") is workers.one
    assert workers.take("2", "A") is None
    workers.clock += PATIENCE_S / 2
    assert workers.take("2", "A") is None
    workers.clock += PATIENCE_S / 2
    assert workers.take("2", "A") is workers.two


def test_it_joins_those_that_have_its_checkpoint_only_while_no_worker_that_has_it_is_free(plan: Plan) -> None:
    workers = Workers(plan)
    workers.one.company = 2
    workers.two.holds = {"A", "B"}
    assert [workers.take(job, "A") for job in "123"] == [workers.two, workers.one, workers.one]
    assert workers.take("4", "A") is None
    workers.seating.leave("3")
    workers.seating.suspect("2")
    assert workers.take("4", "A") is None
    workers.seating.leave("1")
    workers.seating.leave("2")
    assert [workers.take(job, "A") for job in "45"] == [workers.one, workers.two]
    workers.seating.leave("4")
    workers.seating.leave("5")
    assert workers.take("6", "A") is workers.two, "who was used last has the texts, too"


def test_a_plan_waits_for_a_worker_whose_memory_is_large_enough(plan: Plan) -> None:
    workers = Workers(plan)
    workers.one.large = False
    assert workers.take("1", "A") is workers.two
    assert workers.take("2", "A") is None


def test_a_plan_leaves_a_worker_that_has_gone_for_a_free_one_and_comes_to_one_that_is_busy_in_need(plan: Plan) -> None:
    workers = Workers(plan)
    assert (workers.take("1", "A"), workers.take("2", "B")) == (workers.one, workers.two)
    workers.seating.work("2", begins=True)
    workers.one.state = "loading"
    assert workers.turn("1") is workers.one
    workers.one.state = "broken"
    assert workers.turn("1") is None
    workers.seating.work("2", begins=False)
    assert workers.turn("1") is workers.two


@pytest.mark.parametrize(
    ("asked", "environment", "expected"),
    [
        ({}, {}, ["0", "1", "2"]),
        ({"device": "cuda"}, {"CUDA_VISIBLE_DEVICES": "5, GPU-x,7"}, ["5", "GPU-x", "7"]),
        ({"devices": ("cuda:1", "cuda:3")}, {"CUDA_VISIBLE_DEVICES": "5,6"}, ["6", ""]),
    ],
)
def test_each_worker_sees_one_card(asked: dict[str, Any], environment: dict[str, str], expected: list[str]) -> None:
    found = posts(Settings(**asked), environment, lambda: 3)
    assert [post.variables["CUDA_VISIBLE_DEVICES"] for post in found] == expected
    assert {post.settings.device for post in found} == {"cuda"}
    assert {post.settings.vram_limit for post in found} == {"90%"}


@pytest.mark.parametrize(("asked", "count"), [({}, 0), ({}, 1), ({"device": "cpu"}, 3), ({"vram": "cpu"}, 3)])
def test_without_several_cards_all_is_as_device_says(asked: dict[str, Any], count: int) -> None:
    settings = Settings(**asked)
    (post,) = posts(settings, {}, lambda: count)
    assert (post.settings, post.device, dict(post.variables)) == (settings, "", {})


def test_who_share_a_device_share_what_it_has() -> None:
    first, second = posts(Settings(devices=("cpu", "cpu"), vram_limit="9GB"), {})
    assert first.settings == second.settings
    assert (first.settings.vram_limit, first.settings.memory_limit) == ("4500000000", "50.0%")
    assert first.settings.threads >= 1
