"""What requests make: small pictures whose pixels tell whether a field was heeded."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.server.running import Running

PLAIN: dict[str, Any] = {"prompt": "a ball", "image_seed": 5, "overwrite_step": 3, "deterministic": True}
"""The same pixels whenever it is asked for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What became of a request. pixels: its first picture, height × width × 3."""

    record: dict[str, Any]
    pixels: NDArray[np.uint8]

    @property
    def used(self) -> dict[str, Any]:
        """What was really used."""
        told: dict[str, Any] = self.record["effective_params"]
        return told

    @property
    def warnings(self) -> str:
        """All of them, one a line."""
        return "\n".join(self.record["warnings"])

    def same_as(self, other: "Look") -> bool:
        """Whether both have the same pixels."""
        return np.array_equal(self.pixels, other.pixels)


Ask = Callable[..., Look]
"""Takes a request's fields on top of PLAIN; one that was asked before is not made again."""


def asker(server: Running) -> Ask:
    """An `Ask` of that server."""
    seen: dict[str, Look] = {}

    def ask(**fields: Any) -> Look:
        asked = PLAIN | fields
        key = json.dumps(asked, sort_keys=True)
        if key not in seen:
            record = server.made(**asked)
            seen[key] = Look(record=record, pixels=np.asarray(server.picture(record["result"][0]).convert("RGB")))
        return seen[key]

    return ask


def parameters(server: Running, url: str) -> dict[str, Any]:
    """What a PNG tells in Fooocus's scheme."""
    told: dict[str, Any] = json.loads(server.picture(url).info["parameters"])
    return told


def metadata(server: Running, look: Look) -> dict[str, Any]:
    """What its picture tells in Fooocus's scheme."""
    return parameters(server, look.record["result"][0])


def steps(server: Running, **fields: Any) -> list[str]:
    """The denoising steps that a request's stream tells of, such as "3/30, image 1/1"."""
    asked = PLAIN | {"stream_output": True, "disable_preview": True} | fields
    answer = server.generate(**asked)
    assert answer.status_code == 200, answer.text
    told = [json.loads(line[6:])["message"] for line in answer.text.split("\r\n") if line.startswith("data: {")]
    assert told[-1] == "Finished"
    begin, end = "Sampling step ", " ..."
    return [line.removeprefix(begin).removesuffix(end) for line in told if line.startswith(begin)]
