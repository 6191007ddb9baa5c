"""FooocusAPI's own API: what its clients send and expect (version 2.5)."""

from server.api.fooocus.routes import router

__all__ = ["router"]
