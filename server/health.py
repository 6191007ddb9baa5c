"""Is the process there, and can it paint?"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

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
