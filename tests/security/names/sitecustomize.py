"""Put on the path of a server under test: a name server and an internet of the test's own.

GESSO_TEST_NAMES is the path of a JSON file: `answers` has for a name the lists of addresses that it is looked up as,
one after the other, the last one for ever; `reached` the address and port where a public address really lies. Every
lookup and every connection is a line in `log`.
"""

import json
import os
import socket
from pathlib import Path

if os.environ.get("GESSO_TEST_NAMES"):
    TOLD = json.loads(Path(os.environ["GESSO_TEST_NAMES"]).read_text(encoding="utf-8"))
    LOG = Path(TOLD["log"])
    LOOK_UP, CONNECT = socket.getaddrinfo, socket.socket.connect

    def note(*words):
        with LOG.open("a", encoding="utf-8") as file:
            file.write(json.dumps(words) + "\n")

    def look_up(host, port, *more, **named):
        name = host.decode() if isinstance(host, bytes) else str(host)
        note("lookup", name)
        answers = TOLD["answers"].get(name)
        if not answers:
            return LOOK_UP(host, port, *more, **named)
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        return [found for address in now for found in LOOK_UP(address, port, *more, **named)]

    def connect(self, address):
        if isinstance(address, tuple):
            note("connect", address[0])
            address = tuple(TOLD["reached"].get(address[0], address))
        return CONNECT(self, address)

    socket.getaddrinfo = look_up
    setattr(socket.socket, "connect", connect)  # noqa: B010
