"""Is the process there, can it paint, and what has it done so far?"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from server.parts import TheParts

router = APIRouter(tags=["Health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """200 as soon as the process listens."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not yet; `reason` says why."}})
async def readyz(parts: TheParts) -> JSONResponse:
    """200 once the preset's models are resident, 503 with the reason before."""
    readiness = parts.backend.readiness()
    if readiness.state == "ready":
        return JSONResponse({"status": "ready"})
    return JSONResponse({"status": readiness.state, "reason": readiness.reason}, status_code=503)


counts = APIRouter(tags=["Health"])


@counts.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(parts: TheParts) -> Response:
    """Counts and times for Prometheus; with keys it needs one, unlike the other two."""
    told = parts.metrics
    told.waiting, told.running = parts.tasks.depth
    told.ready = parts.backend.readiness().state == "ready"
    return Response(told.text(), media_type=CONTENT_TYPE_LATEST)
