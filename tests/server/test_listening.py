"""The door that the server listens at."""

import asyncio
import socket
from dataclasses import replace

from configs.settings import Settings
from server.__main__ import _listen
from tests.server.running import free_port


def test_what_is_answered_waits_for_nothing():
    """asyncio turns TCP_NODELAY on only for a socket that tells its protocol."""

    async def accepted() -> int:
        told = asyncio.get_running_loop().create_future()

        async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            told.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = _listen(replace(Settings(), port=free_port()))
        async with await asyncio.start_server(greet, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            answer: int = await told
            writer.close()
            await writer.wait_closed()
            return answer

    assert asyncio.run(accepted()) != 0
