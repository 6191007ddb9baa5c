"""The only place that knows every part; nothing is built, read or created before the server starts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI, Security
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi_offline import FastAPIOffline
from PIL import Image

from configs.keys import keys
from configs.settings import Settings
from server import api, devices, errors, files, health
from server.access import Access, secret
from server.active import ActivePreset, remembered
from server.api.fooocus import orders
from server.api.fooocus.reply import opened, webhook_body
from server.backends.local import LocalBackend
from server.body_limit import BodyLimit
from server.careful import Careful
from server.downloads import Downloads
from server.errors import AT_THE_DOOR
from server.fetching import Guard
from server.gate import Gate
from server.hashes import Hashes
from server.inputs import Inputs
from server.metrics import Metrics
from server.origins import Origins, cors
from server.outputs import Outputs
from server.parts import Parts
from server.proxy import Forwarded
from server.pruning import Pruner
from server.shelves import Shelves
from server.slashes import Slashes
from server.store import Store
from server.tasks import TaskQueue
from server.thumbnails import Thumbnails
from server.web import gallery, login, page
from server.webhooks import Webhooks

VERSION = "0.1.0"

KEYS = [Security(APIKeyHeader(name="X-API-KEY", auto_error=False)), Security(HTTPBearer(auto_error=False))]
"""For `/docs` alone, where keys are then asked for; `server.gate` looks at them."""


def create_app(settings: Settings) -> FastAPI:
    """The server as an ASGI application; its parts live from start-up to shut-down."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        Image.MAX_IMAGE_PIXELS = None  # server.pictures looks at every header itself, with limits of our own
        async with AsyncExitStack() as stack:
            app.state.parts = await _start(settings, stack)
            yield

    app = FastAPIOffline(
        title="Gesso",
        version=VERSION,
        static_url="/static/docs",
        lifespan=life,
        redirect_slashes=False,
        strict_content_type=False,  # scripts post JSON without saying so; pages of others are shut out by Origins
        root_path=settings.root_path.rstrip("/"),
    )
    app.add_middleware(BodyLimit, pause_s=settings.request_timeout)
    app.add_middleware(Gate, settings=settings)
    app.add_middleware(Origins, settings=settings)
    if settings.cors_origin:
        app.add_middleware(CORSMiddleware, **cors(settings))
    app.add_middleware(Forwarded, settings=settings)
    app.add_middleware(Careful)
    app.add_middleware(Slashes, router=app.router)
    errors.register(app)
    for router in (*api.routers(), gallery.router, files.router, health.counts):
        app.include_router(router, responses=AT_THE_DOOR, dependencies=KEYS)
    for router in (login.router, health.router, page.without_page if settings.nowebui else page.router):
        app.include_router(router, responses=AT_THE_DOOR)
    return app


async def _start(settings: Settings, stack: AsyncExitStack) -> Parts:
    """Put the parts together and start them; `stack` ends them in the opposite order."""
    store = await asyncio.to_thread(Store, settings.database, settings.database_url)
    stack.push_async_callback(asyncio.to_thread, store.close)
    launched, settings = settings, await asyncio.to_thread(remembered, settings, store)
    metrics = Metrics()
    backend = LocalBackend(await asyncio.to_thread(devices.posts, settings), metrics)
    outputs = Outputs(settings.output_path)
    guard = Guard(settings)
    stack.callback(guard.close)
    inputs = await asyncio.to_thread(Inputs, settings, guard)
    stack.push_async_callback(inputs.close)
    opening = keys(settings)
    access = Access(opening, await asyncio.to_thread(secret, settings.output_path) if opening else b"")
    webhooks = Webhooks(store, settings, guard, webhook_body, sign=partial(opened, access=access))
    hashes = Hashes(settings.output_path)
    tasks = TaskQueue(
        store,
        outputs,
        backend,
        partial(orders.again, settings=settings, hashes=hashes),
        webhooks.on_end,
        max_queue=settings.max_queue,
        metrics=metrics,
    )
    stack.push_async_callback(backend.close)
    await backend.start()
    stack.push_async_callback(tasks.close)
    await tasks.start()
    stack.push_async_callback(webhooks.close)
    await webhooks.start()
    active = ActivePreset(launched, settings, store, backend)
    stack.push_async_callback(active.close)
    downloads = Downloads(settings)
    stack.push_async_callback(downloads.close)
    parts = Parts(
        active=active,
        store=store,
        inputs=inputs,
        access=access,
        guard=guard,
        metrics=metrics,
        outputs=outputs,
        hashes=hashes,
        shelves=await asyncio.to_thread(Shelves, settings),
        thumbnails=Thumbnails(settings.output_path),
        backend=backend,
        tasks=tasks,
        downloads=downloads,
    )
    pruner = Pruner(parts)
    stack.push_async_callback(pruner.close)
    await pruner.start()
    tasks.tell_ends(lambda _: pruner.on_end())
    return parts
