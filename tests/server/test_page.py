"""The page's files: what they are sent as, and that nothing else is."""

import httpx
import pytest

from tests.server.running import Running


@pytest.mark.contract("2/root", "0/one-port")
def test_the_root_is_the_page_and_may_load_only_what_is_ours(server: Running) -> None:
    answer = server.client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    rules = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(("file", "kind"), [("app.js", "text/javascript"), ("styles/base.css", "text/css")])
def test_a_file_is_told_by_its_type_and_sent_once(server: Running, file: str, kind: str) -> None:
    answer = server.client.get(f"/static/{file}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    again = server.client.get(f"/static/{file}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["nothing.js", "../page.py", "%2e%2e/page.py", "..%2fpage.py", "/etc/passwd"])
def test_no_name_leads_out_of_the_folder(server: Running, path: str) -> None:
    request = httpx.Request("GET", f"http://127.0.0.1:{server.port}/")
    request.url = request.url.copy_with(raw_path=b"/static/" + path.encode())
    assert server.client.send(request).status_code == 404
