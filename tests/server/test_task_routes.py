"""The routes of tasks: lists, positions, calling off, deleting."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.server.receiving import until
from tests.server.running import Running

Lists = dict[str, list[dict[str, Any]]]


@pytest.fixture
def three(server: Running) -> Iterator[list[str]]:
    """The ids of three tasks: one that runs for long, two that wait."""
    slow = {"async_process": True, "image_number": 32, "overwrite_step": 200}
    made = [server.generate(prompt=f"task {n}", **slow).json() for n in range(3)]
    assert [one["queue_position"] for one in made[1:]] == [0, 1]
    ids = [one["task_id"] for one in made]
    until(lambda: server.client.get(f"/tasks/{ids[0]}").json()["progress"] > 0)
    yield ids
    for task_id in reversed(ids):
        server.client.post(f"/tasks/{task_id}/cancel")
    until(lambda: not _lists(server, query="current")["current"])


@pytest.mark.contract("0/several-running", "2/tasks", "14/lists", "14/newest-first", "14/current")
def test_lists_tell_what_ended_newest_first_what_runs_and_what_waits(server: Running, three: list[str]) -> None:
    lists = _lists(server)
    assert set(lists) == {"history", "current", "pending"}
    times = [record["in_queue_mills"] for record in lists["history"]]
    assert times == sorted(times, reverse=True)
    (running,) = lists["current"]
    assert (running["task_id"], running["task_status"]) == (three[0], "running")
    assert 0 < running["progress"] < 100
    assert isinstance(running["preview"], str)
    assert [record["task_id"] for record in lists["pending"]] == three[1:]


def test_what_waits_says_its_position_and_for_how_long(server: Running, three: list[str]) -> None:
    first, second = (server.client.get(f"/tasks/{task_id}").json() for task_id in three[1:])
    assert (first["queue_position"], second["queue_position"]) == (0, 1)
    assert 0 < first["estimated_wait_mills"] < second["estimated_wait_mills"]
    assert "queue_position" not in server.client.get(f"/tasks/{three[0]}").json()


@pytest.mark.contract("14/query")
def test_a_list_can_be_asked_for_alone(server: Running, three: list[str]) -> None:
    for query, filled in (("current", 1), ("pending", 2)):
        lists = _lists(server, query=query)
        assert len(lists.pop(query)) == filled
        assert list(lists.values()) == [[], []]


@pytest.mark.contract("14/pages")
def test_history_comes_in_pages_counted_from_zero(server: Running) -> None:
    ids = [server.made()["task_id"] for _ in range(3)][::-1]
    pages = [_lists(server, query="history", page=page, page_size=2)["history"] for page in (0, 1)]
    assert [record["task_id"] for page in pages for record in page][:3] == ids
    assert len(pages[0]) == 2
    answer = server.client.get("/tasks", params={"page": 10**6})
    assert answer.json()["history"] == []
    assert int(answer.headers["x-total-count"]) >= 3


@pytest.mark.contract("14/start-at", "14/end-at")
def test_times_choose_from_history_without_pages(server: Running) -> None:
    begin = datetime.now().isoformat()
    ids = {server.made()["task_id"] for _ in range(3)}
    end = datetime.now().isoformat()
    later = server.made()["task_id"]
    chosen = _lists(server, start_at=begin, end_at=end, page_size=1)["history"]
    assert {record["task_id"] for record in chosen} == ids
    open_end = _lists(server, start_at=begin)["history"]
    assert {record["task_id"] for record in open_end} == ids | {later}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"page": -1}, "page"),
        ({"page_size": 0}, "page_size"),
        ({"query": "done"}, "query"),
        ({"start_at": "yesterday"}, "start_at"),
        ({"end_at": "0001-01-01T00:00:00"}, "end_at"),
        ({"action": "stop"}, "action"),
        ({"action": "delete"}, "start_at"),
        ({"action": "delete", "start_at": "2020-01-01T00:00:00"}, "end_at"),
    ],
)
def test_a_question_that_makes_no_sense_is_422_and_names_the_field(
    server: Running, params: dict[str, Any], field: str
) -> None:
    answer = server.client.get("/tasks", params=params)
    assert answer.status_code == 422
    assert field in answer.text


def test_a_waiting_and_a_running_task_can_be_called_off_once(server: Running, three: list[str]) -> None:
    stopped = server.client.post(f"/tasks/{three[2]}/cancel")
    assert (stopped.status_code, stopped.json()["task_status"]) == (200, "stop")
    assert server.client.post(f"/tasks/{three[0]}/cancel").status_code == 200
    until(lambda: server.client.get(f"/tasks/{three[0]}").json()["task_status"] == "stop")
    again = server.client.post(f"/tasks/{three[0]}/cancel")
    assert again.status_code == 409
    assert "ended" in again.json()["detail"]


def test_what_has_not_ended_cannot_be_deleted(server: Running, three: list[str]) -> None:
    for task_id in three[:2]:
        answer = server.client.delete(f"/tasks/{task_id}")
        assert answer.status_code == 409
        assert "cancel it first" in answer.json()["detail"]


@pytest.mark.contract("0/delete-over-get")
def test_deleting_a_task_takes_its_pictures_along_and_nothing_else(server: Running) -> None:
    kept, gone = server.made(prompt="kept"), server.made(prompt="gone", image_number=2)
    files = [_file(server, url) for url in gone["result"]]
    small = [url.replace("/outputs/", "/thumbnails/") for url in gone["result"]]
    assert all(server.client.get(url).status_code == 200 for url in small)
    answer = server.client.delete(f"/tasks/{gone['task_id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not any(file.exists() for file in files)
    assert not any((server.outputs / ".thumbnails" / file.parent.name / f"{file.name}.webp").exists() for file in files)
    assert server.client.get(f"/tasks/{gone['task_id']}").status_code == 404
    assert server.client.delete(f"/tasks/{gone['task_id']}").status_code == 404
    assert _file(server, kept["result"][0]).is_file()
    assert server.client.get(f"/tasks/{kept['task_id']}").json() == kept


@pytest.mark.contract("0/delete-over-get", "14/delete")
def test_the_old_way_deletes_what_was_sent_between_two_times(server: Running) -> None:
    before = server.made()
    begin = datetime.now().isoformat()
    gone = [server.made() for _ in range(2)]
    end = datetime.now().isoformat()
    after = server.made()
    answer = server.client.get("/tasks", params={"action": "delete", "start_at": begin, "end_at": end})
    assert (answer.status_code, answer.json()) == (200, None)
    for record in gone:
        assert server.client.get(f"/tasks/{record['task_id']}").status_code == 404
        assert not _file(server, record["result"][0]).exists()
    for record in (before, after):
        assert server.client.get(f"/tasks/{record['task_id']}").json() == record
        assert _file(server, record["result"][0]).is_file()


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/tasks/0123"), ("POST", "/tasks/0123/cancel")])
def test_unknown_tasks_are_404(server: Running, method: str, path: str) -> None:
    assert server.client.request(method, path).status_code == 404


def test_every_answer_names_its_task_in_a_header(server: Running) -> None:
    for more in ({}, {"async_process": True}):
        answer = server.generate(**more)
        assert answer.headers["x-task-id"] == answer.json()["task_id"]


@pytest.mark.contract("2/all-models")
def test_all_models_lists_what_lies_in_the_folders_now(server: Running, toy_models: Path) -> None:
    url = "/v1/engines/all-models"
    assert "gesso-starter" in server.client.get(url).json()["model_filenames"]
    folder = toy_models / "loras" / "listed"
    folder.mkdir(parents=True)
    for name in ("a.safetensors", "b.fooocus.patch", "c.txt"):
        (folder / name).touch()
    listed = server.client.get(url).json()["lora_filenames"]
    assert {"listed/a.safetensors", "listed/b.fooocus.patch"} <= set(listed)
    assert "listed/c.txt" not in listed


def _lists(server: Running, **params: Any) -> Lists:
    answer = server.client.get("/tasks", params=params)
    assert answer.status_code == 200, answer.text
    lists: Lists = answer.json()
    return lists


def _file(server: Running, url: str) -> Path:
    return server.outputs / url.split("/")[-2] / url.split("/")[-1]
