"""Hostile pictures over HTTP: each gives the right picture, or a refusal that names its field and the reason."""

import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.security.hostile import Hostile, everything
from tests.server.running import Running, start

FIELD = "inpaint_input_image"
MOST_MEMORY_MIB = 1500


@pytest.fixture(scope="module")
def taking(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """A server whose inputs are these pictures alone."""
    running = start(tmp_path_factory.mktemp("taking"), toy_models)
    try:
        running.wait("/healthz")
        yield running
    finally:
        assert running.stop() == 0, running.log


@pytest.mark.parametrize("sent", everything(), ids=lambda sent: sent.name)
def test_a_picture_is_taken_rightly_or_refused_with_the_reason(taking: Running, sent: Hostile) -> None:
    inputs = taking.folder / "inputs"
    for old in inputs.glob("*"):
        old.unlink()
    text = sent.head + b64encode(sent.make()).decode()
    # The picture is looked at before the preset, which there is not: so nothing is painted.
    answer = taking.generate(**{FIELD: text, "outpaint_selections": ["Left"], "preset": "there is none"})
    if sent.words is not None:
        assert answer.status_code == sent.status, answer.text
        told = answer.json()["detail"]
        blamed, why = (answer.json()["field"], told) if sent.status == 413 else (told[0]["loc"][1], told[0]["msg"])
        assert (blamed, sent.words in why) == (FIELD, True), why
        assert list(inputs.glob("*")) == []
        return
    assert answer.json()["detail"][0]["loc"] == ["body", "preset"], answer.text
    (kept,) = inputs.iterdir()
    assert not sent.payload or sent.payload not in kept.read_bytes()
    with Image.open(kept) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", sent.size)
        assert picture.info == {}
        seen = picture.getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(seen, tuple)
    assert sent.colour is None or max(abs(a - b) for a, b in zip(seen, sent.colour, strict=True)) <= sent.near, seen


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's account of a process")
def test_none_of_them_fills_the_memory(taking: Running) -> None:
    status = Path(f"/proc/{taking.process.pid}/status").read_text()
    most_kib = int(status.split("VmHWM:")[1].split()[0])
    assert most_kib < MOST_MEMORY_MIB << 10
    assert "Traceback" not in taking.log


def test_every_hostile_picture_has_a_name_of_its_own() -> None:
    names = [sent.name for sent in everything()]
    assert len(names) == len(set(names)) >= 60
