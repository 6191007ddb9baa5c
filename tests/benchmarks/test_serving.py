"""The server's benchmarks run, at their smallest, and tell what they are for."""

import time
from collections.abc import Callable
from statistics import median

import pytest

from benchmarks import clients, overhead
from benchmarks.__main__ import names, tables

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{name} :DeprecationWarning") for name in ("__array__", "__array_wrap__")
]
"""diffusers 0.42 hands tensors to numpy 2.4 in ways that it warns of."""


@pytest.mark.long
def test_what_the_server_adds_and_how_long_its_loop_stands_still_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overhead, "PICTURES", 2)
    monkeypatch.setattr(overhead, "LARGE", 64)
    monkeypatch.setattr(overhead, "LONG", 2)
    overhead.run(cases=1)
    first, loop, previews = tables(capsys.readouterr().out)
    assert [row["a picture of 64², one step"] for row in first] == ["over HTTP", "in a studio", "GET /healthz"]
    assert all(float(row["longest stall, ms, median"]) > 0 for row in loop)
    assert len(previews) == 2


def test_each_way_has_its_turn_in_every_round_but_the_first() -> None:
    begun: list[str] = []
    ways: dict[str, Callable[[], object]] = {
        "a": lambda: begun.append("a"),
        "b": lambda: begun.append("b"),
        "slow": lambda: time.sleep(0.01),
    }
    times = overhead.in_turns(ways, rounds=2)
    assert begun == ["a", "b"] * 3
    assert {name: len(each) for name, each in times.items()} == {"a": 2, "b": 2, "slow": 2}
    assert median(times["slow"]) >= 0.01


def test_clients_are_told_beside_the_first_arm() -> None:
    (rows,) = tables(clients.table({"diffusers, one by one": [4.0, 6.0, 5.0], "Gesso": [2.5]}))
    assert [row["pictures a second beside the first"] for row in rows] == ["1.00", "2.00"]


def test_every_benchmark_can_be_called_by_its_name() -> None:
    assert {"overhead", "clients", "startup", "sdxl", "sd15"} <= set(names())
    assert not {"baselines", "_unets", "_watched"} & set(names())
