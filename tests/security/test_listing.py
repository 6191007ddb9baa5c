"""What is sent to break in can be read by everybody."""

from tests.security import listing


def test_the_list_is_that_of_the_tests() -> None:
    assert listing.FILE.read_text(encoding="utf-8") == listing.text(), "write it anew: python -m tests.security"
