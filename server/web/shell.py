"""What all pages have around them."""

from html import escape
from pathlib import Path
from string import Template

from fastapi.responses import HTMLResponse

TEMPLATE = Path(__file__).parent / "page.html"
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
}


def html_page(title: str, *, heading: str, note: str, body: str, status: int = 200) -> HTMLResponse:
    """A page. `title` and `heading` are text; `note` and `body` are HTML, in which all text is escaped already."""
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    html = template.substitute(title=f"{escape(title)} · Gesso", heading=escape(heading), note=note, body=body)
    return HTMLResponse(html, status, HEADERS)
