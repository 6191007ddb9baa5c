"""A server whose worker paints noise by seed, without any model: the rest of it is as ever. See `inside/`."""

from pathlib import Path
from typing import Any

from configs.settings import ROOT
from tests.server.running import Running, start

INSIDE = ROOT / "tests" / "reliability" / "inside"


def paints(folder: Path, *more: str, step_s: float = 0.02, variables: dict[str, str] | None = None) -> Running:
    """Start one; it suffers what is written into the file `faults` of its folder."""
    told = {"PYTHONPATH": str(INSIDE), "GESSO_TEST_FAULTS": str(folder / "faults"), "GESSO_TEST_PAINTER": str(step_s)}
    return start(folder, folder / "models", *more, variables=told | (variables or {}))


def sent(running: Running, **fields: Any) -> str:
    """The id of a task that is to be made in its own time."""
    answer = running.generate(async_process=True, **fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["task_id"])


def record(running: Running, task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = running.client.get(f"/tasks/{task_id}").json()
    return found
