"""`python -m server`: serve until told to stop. Takes the same settings as `launch.py`."""

import logging
import socket
import sys
from contextlib import suppress

import uvicorn

from configs.keys import WEAK, keys
from configs.settings import Settings, SettingsError, is_loopback, public_url
from configs.sources import load
from server.app import create_app

CLOSE_WITHIN_S = 5


def main(arguments: list[str]) -> int:
    """Serve; 0 when it was stopped in order, 2 when it could not begin."""
    try:
        settings = load(arguments)
        opening = keys(settings)
        listener = _listen(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s: %(message)s")
    for library in ("alembic", "httpx"):  # httpx would log every URL, with what is secret in it
        logging.getLogger(library).setLevel(logging.WARNING)
    config = uvicorn.Config(
        create_app(settings),
        log_level=settings.log_level,
        timeout_graceful_shutdown=CLOSE_WITHIN_S,
        lifespan="on",
        proxy_headers=False,
    )
    logging.getLogger("gesso").info("Gesso serves on %s", public_url(settings))
    _warn(settings, opening)
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):  # uvicorn has closed everything in order, and passes the signal on
        server.run(sockets=[listener])
    return 0 if server.started else 2


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
    listener = socket.socket(family, socket.SOCK_STREAM)
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
