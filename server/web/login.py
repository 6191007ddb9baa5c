"""`/login` and `/logout`: a person shows a key once, and the browser keeps a session that opens pages and pictures."""

import re
from html import escape
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from masking.errors import TooLarge
from server.access import SESSION_S
from server.errors import STATUSES, Forbidden
from server.gate import cookie
from server.parts import Parts, TheParts
from server.proxy import base_url
from server.web.shell import html_page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

START = "outputs/"
PLACE = re.compile(r"(?!\.)[\w%~.-]+(/(?!\.)[\w%~.-]*)*", re.ASCII)
"""Where one may be led after the login: paths below the server's own, never to another host."""

LONGEST_FORM = 10_000


@router.get("/login")
async def login_page(parts: TheParts, next: Annotated[str, Query()] = START) -> Response:
    """The form; without keys there is nothing to log in to."""
    return _form(next) if parts.access.needed else RedirectResponse(START, 303)


@router.post("/login")
async def log_in(request: Request, parts: TheParts) -> Response:
    """Take the key, give a session, and lead back to where the person came from."""
    sent = b""
    async for chunk in request.stream():
        sent += chunk
        if len(sent) > LONGEST_FORM:
            raise TooLarge("That is no key.")
    told = parse_qs(sent.decode(errors="replace"))
    name = parts.access.by_key(told.get("apikey", [""])[0].strip().encode())
    where = told.get("next", [START])[0]
    if name is None:
        return _form(where, "That is none of this server's keys.", STATUSES[Forbidden])
    answer = RedirectResponse(where if PLACE.fullmatch(where) else START, 303)
    _keep(answer, parts.access.session(name), SESSION_S, parts)
    return answer


@router.post("/logout")
async def log_out(parts: TheParts) -> Response:
    """Take the session away from the browser."""
    answer = RedirectResponse("login", 303)
    _keep(answer, "", 0, parts)
    return answer


def _keep(answer: Response, session: str, seconds: int, parts: Parts) -> None:
    """Have the browser keep a session. Without a path it is for all beside `/login`, wherever a proxy puts that."""
    answer.set_cookie(
        cookie(parts.settings),
        session,
        max_age=seconds,
        path=None,
        secure=urlsplit(base_url(parts.settings)).scheme == "https",
        httponly=True,
        samesite="strict",
    )


def _form(where: str, complaint: str = "", status: int = 200) -> HTMLResponse:
    place = where if PLACE.fullmatch(where) else START
    body = (
        f'<form method="post" action="login"><input type="hidden" name="next" value="{escape(place)}"><p><label>Key '
        '<input type="password" name="apikey" autocomplete="current-password" autofocus required></label> '
        f"<button>Log in</button></p><p>{escape(complaint)}</p></form>"
    )
    return html_page("Log in", heading="Gesso", note="This server asks for a key.", body=body, status=status)
