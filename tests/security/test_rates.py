"""Rate limits per key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.rates import Rates
from tests.server.running import Running, start

KEYS = ("a key of somebody in a hurry", "a key of somebody else")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    keys = (f"--apikey={key}" for key in KEYS)
    running = start(tmp_path_factory.mktemp("limited"), toy_models, "--rate-limit", "5", *keys)
    try:
        running.wait("/healthz")
        yield running
    finally:
        assert running.stop() == 0, running.log


def test_who_asks_too_often_is_told_when_to_come_again(limited: Running) -> None:
    hasty, other = ({"X-API-KEY": key} for key in KEYS)
    assert [limited.client.get("/v1/engines/styles", headers=hasty).status_code for _ in range(6)] == [200] * 5 + [429]
    answer = limited.client.post("/v1/engine/generate", json={}, headers=hasty)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 12
    assert answer.headers["retry-after"] in answer.json()["detail"]
    for path in ("/outputs/", "/healthz", "/docs"):
        assert limited.client.get(path, headers=hasty).status_code == 200
    assert limited.client.get("/tasks", headers=other).status_code == 200


def test_a_share_of_a_minute_earns_a_request() -> None:
    now = 1000.0
    rates = Rates(60, lambda: now)
    assert [rates.wait_s("a") for _ in range(61)] == [0] * 60 + [1]
    now += 0.5
    assert rates.wait_s("a") == 1
    now += 0.6
    assert [rates.wait_s("a"), rates.wait_s("a"), rates.wait_s("b")] == [0, 1, 0]


def test_no_limit_is_the_default(server: Running) -> None:
    assert {server.client.get("/healthz").status_code for _ in range(100)} == {200}
    assert {server.client.get("/tasks?query=pending").status_code for _ in range(100)} == {200}
