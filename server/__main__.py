"""`python -m server`: serve until told to stop. Takes the same settings as `launch.py`."""

import asyncio
import logging
import signal
import socket
import sys
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from configs import logs
from configs.keys import WEAK, keys
from configs.settings import Settings, SettingsError, public_url
from configs.sources import load
from configs.urls import is_loopback
from server import database, slow
from server.app import create_app
from server.tasks import TaskQueue

FINISH_WITHIN_S = 15.0
CLOSE_WITHIN_S = 5
"""With the worker's end, all of it takes less than 30 s."""


def main(arguments: list[str]) -> int:
    """Serve; 0 when it was stopped in order, 2 when it could not begin."""
    try:
        settings = load(arguments)
        opening = keys(settings)
        _check(settings)
        listener = _listen(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logs.begin(settings.log_format, settings.log_level)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        http=slow.protocol(settings.request_timeout),
        log_config=None,
        log_level=settings.log_level,
        timeout_graceful_shutdown=CLOSE_WITHIN_S,
        lifespan="on",
        proxy_headers=False,
    )
    logging.getLogger("gesso").info("Gesso serves on %s", public_url(settings))
    _warn(settings, opening)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager's way to say Ctrl+C
    server = _Server(config, app)
    with suppress(KeyboardInterrupt):  # uvicorn has closed everything in order, and passes the signal on
        server.run(sockets=[listener])
    return 0 if server.started else 2


class _Server(uvicorn.Server):
    """Lets the image that is being painted be finished before it closes; a second Ctrl+C does not wait for that."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        tasks: TaskQueue = self._app.state.parts.tasks
        leaving = asyncio.ensure_future(tasks.drain(FINISH_WITHIN_S))
        while not leaving.done() and not self.force_exit:
            await asyncio.wait([leaving], timeout=0.1)
        leaving.cancel()
        await super().shutdown(sockets)


def _check(settings: Settings) -> None:
    """Raises SettingsError where the database cannot even be tried."""
    try:
        database.check(settings.database_url)
    except ValueError as problem:
        way_out = "give a SQLAlchemy URL whose driver is installed, such as postgresql+psycopg://user@host/gesso"
        raise SettingsError(f"--database-url cannot be used ({problem}): {way_out}.") from problem


def _warn(settings: Settings, opening: tuple[str, ...]) -> None:
    """Say what leaves the door open."""
    log = logging.getLogger("gesso")
    if not opening and not is_loopback(settings.listen):
        log.warning(
            "Gesso serves on %s without a key: whoever can reach this machine can use it and see every picture. "
            "Set a key with --apikey, or serve on 127.0.0.1.",
            settings.listen,
        )
    if any(len(key) < WEAK for key in opening):
        log.warning("A key has fewer than %d characters and can be guessed: take a longer one.", WEAK)


def _listen(settings: Settings) -> socket.socket:
    """The socket to serve on. Raises SettingsError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in settings.listen else socket.AF_INET
    # Told that it speaks TCP, asyncio sends what is written at once, instead of up to 40 ms later.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":  # there it would let two servers share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.listen, settings.port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"Gesso cannot serve on {settings.listen}, port {settings.port} ({error.strerror}): "
            "stop what uses it, or take another with --port."
        ) from error
    return listener


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
