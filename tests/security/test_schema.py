"""Requests that schemathesis makes up from our own OpenAPI: no fault, and no status that the manual does not tell."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from tests.reliability.painting import paints
from tests.server.running import Running

ALLOWED = {501, 503}
"""Of the statuses from 500 on: what this version cannot do, and what it cannot do now."""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that paints for ever at the first task, so that all others only wait."""
    running = paints(tmp_path_factory.mktemp("crowded"), "--max-queue", "200", step_s=0.05)
    try:
        running.wait()
        yield running
    finally:
        for task in (running.client.get("/tasks").json() or {}).get("current", []):
            running.client.post(f"/tasks/{task['task_id']}/cancel")
        assert running.stop() == 0, running.log


@pytest.mark.parametrize("calls", [pytest.param(5000, marks=pytest.mark.long), 300])
def test_made_up_requests_are_answered_as_the_manual_says(crowded: Running, calls: int) -> None:
    document = crowded.client.get("/openapi.json").json()
    schema: Any = schemathesis.openapi.from_dict(document)
    operations = [result.ok() for result in schema.get_all_operations()]
    statuses, wrong = Counter[int](), Counter[str]()
    for operation, number in shares(operations, calls):
        told = document["paths"][operation.path][operation.method]["responses"]
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for case in made_up(operation, mode, -(-number // 2)):
                status = answer(crowded, case)
                statuses[status] += 1
                if str(status) not in told or (status >= 500 and status not in ALLOWED):
                    wrong[f"{operation.method.upper()} {operation.path}: {status}"] += 1
    print(f"{statuses.total()} calls of {len(operations)} operations: {dict(statuses)}")
    assert not wrong, dict(wrong)
    assert statuses.total() >= calls * 0.9, "some operations have fewer different requests than their share"
    assert "Traceback" not in crowded.log


def shares(operations: list[Any], calls: int) -> list[tuple[Any, int]]:
    """How many calls each gets: two where nothing can be varied, most where there is a body."""
    weights = [8 if operation.body else 2 if parameters(operation) else 0 for operation in operations]
    return [(one, max(2, -(-calls * weight // sum(weights)))) for one, weight in zip(operations, weights, strict=True)]


def parameters(operation: Any) -> bool:
    return bool(operation.path_parameters or operation.query or operation.headers)


def made_up(operation: Any, mode: GenerationMode, number: int) -> list[Any]:
    """So many cases: requests as the schema wants them, or with something wrong in them."""
    cases: list[Any] = []

    @seed(7)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        cases.append(case)

    try:
        collect()
    except Exception as nothing:  # an operation without any field has nothing that could be wrong
        if "Unsatisfiable" not in type(nothing).__name__ and "Impossible" not in str(nothing):
            raise
    return cases or [operation.Case()]


def answer(running: Running, case: Any) -> int:
    """The status. Who would wait for a picture, or follow its events, gets the task's id instead."""
    if (
        isinstance(case.body, dict)
        and "/generate/" in case.path
        and case.body.get("async_process", False) in (True, False)
    ):
        case.body |= {"async_process": True, "stream_output": False}
    status: int = case.call(base_url=str(running.client.base_url), timeout=60).status_code
    return status
