"""`Idempotency-Key`: a request sent again with the same key is the same task, for a day, also after a restart."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from masking.errors import InvalidValue

KEPT_MS = 24 * 60 * 60 * 1000
LONGEST = 255


@dataclass(frozen=True, kw_only=True)
class RequestKey:
    """owner: a digest of who sent it (`server.gate` names them). digest: of the body, to notice another one."""

    owner: str
    key: str
    digest: str


def read(headers: Mapping[str, str], body: BaseModel, caller: str) -> RequestKey | None:
    """The key of a request, None where it has none. Raises InvalidValue for one that is too long.

    caller: the name of who sent it; where the server asks for none, the API key that was sent all the same.
    """
    key = headers.get("idempotency-key", "").strip()
    if not key:
        return None
    if len(key) > LONGEST:
        raise InvalidValue(
            f"Idempotency-Key has {len(key)} characters; {LONGEST} are the most.", field="Idempotency-Key"
        )
    owner = caller or headers.get("x-api-key") or headers.get("authorization") or ""
    sent = body.model_dump(mode="json", include=body.model_fields_set)
    return RequestKey(owner=_digest(owner), key=key, digest=_digest(json.dumps(sent, sort_keys=True)))


def refuse_another_body(key: RequestKey, digest: str) -> None:
    """Raises InvalidValue where the key was given to a request with another body."""
    if key.digest != digest:
        raise InvalidValue(
            f"Idempotency-Key {key.key!r} was sent with another body before: take a new key for a new request.",
            field="Idempotency-Key",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
