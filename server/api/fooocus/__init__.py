"""FooocusAPI's own API: what its clients send and expect (version 2.5)."""

from fastapi import APIRouter

from server.api.fooocus import (
    control,
    descriptions,
    downloads,
    masks,
    memory,
    metadata,
    models,
    presets,
    regions,
    rescan,
    routes,
    search,
    tasks,
    uploads,
)

router = APIRouter()
router.include_router(routes.router)
router.include_router(masks.router)
router.include_router(descriptions.router)
router.include_router(regions.router)
router.include_router(control.router)
router.include_router(tasks.router)
router.include_router(models.router)
router.include_router(metadata.router)
router.include_router(presets.router)
router.include_router(downloads.router)
router.include_router(uploads.router)
router.include_router(search.router)
router.include_router(rescan.router)
router.include_router(memory.router)
