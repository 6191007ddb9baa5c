"""Is the process there, can it paint, and what has it done so far?"""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from server.backends import Readiness
from server.parts import TheParts

router = APIRouter(tags=["Health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """200 as soon as the process listens."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not yet; `reason` says why."}})
async def readyz(parts: TheParts) -> JSONResponse:
    """200 once the preset's models are resident, 503 with the reason before.

    Where several workers share the work, one that is ready is enough, and `workers` tells of each.
    """
    readiness, places = parts.backend.readiness(), parts.backend.places()
    told: dict[str, Any] = _words(readiness)
    if len(places) > 1:
        told["workers"] = [{"device": place.device, **_words(place.readiness)} for place in places]
    return JSONResponse(told, status_code=200 if readiness.state == "ready" else 503)


def _words(readiness: Readiness) -> dict[str, str]:
    if readiness.state == "ready":
        return {"status": "ready"}
    return {"status": readiness.state, "reason": readiness.reason}


counts = APIRouter(tags=["Health"])


@counts.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(parts: TheParts) -> Response:
    """Counts and times for Prometheus; with keys it needs one, unlike the other two."""
    told = parts.metrics
    told.waiting, told.running = parts.tasks.depth
    told.ready = parts.backend.readiness().state == "ready"
    told.workers_ready = sum(place.readiness.state == "ready" for place in parts.backend.places())
    return Response(told.text(), media_type=CONTENT_TYPE_LATEST)
