"""What lies where in the worker's memory: a `masking.residency` report and the memories' sizes, as JSON facts."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipelines.tools import Done

if TYPE_CHECKING:
    from pipelines.studio import Studio


class Memory:
    def run(self, plan_json: str, studio: "Studio") -> Done:
        return Done(content=b"", facts=json.dumps(told(studio)))


def told(studio: "Studio") -> dict[str, object]:
    """JSON values; amounts are bytes."""
    held, machine = studio.held, studio.held.machine
    room, main, models = machine.room(), machine.main(), held.report()
    return {
        "device": machine.device,
        "vram": held.vram,
        "limit": held.limit,
        "used": sum(one.on_device for one in models),
        "free": room.free,
        "total": room.total,
        "main_free": main.free,
        "main_total": main.total,
        "models": [asdict(one) for one in models],
    }


tool = Memory()
