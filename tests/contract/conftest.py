"""What the conformance tests ask."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.contract.looks import Ask, asker
from tests.server.running import Running, as_text


@pytest.fixture(scope="session")
def ask(server: Running) -> Ask:
    """What a request makes on the toy server; its pixels are the same each time."""
    return asker(server)


@pytest.fixture(scope="session")
def edit(photo: Image.Image, box_mask: Image.Image) -> dict[str, str]:
    """The pictures of an inpaint request."""
    return {"inpaint_input_image": as_text(photo), "inpaint_mask_image_upload": as_text(box_mask)}


@pytest.fixture
def users_words(toy_models: Path) -> Iterator[list[str]]:
    """The lines of a word list that a user drops in, `__own-words__`."""
    lines = ["aardvark", "badger", "cockatoo"]
    with dropped(toy_models.parent / "wildcards" / "own-words.txt", "\n".join(lines)):
        yield lines


@contextmanager
def dropped(file: Path, text: str) -> Iterator[Path]:
    """A file of the user's, there for a while."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    try:
        yield file
    finally:
        file.unlink()
