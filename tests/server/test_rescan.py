"""Models that come and go while the server runs."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.running import Running


@pytest.fixture
def folder(toy_models: Path) -> Iterator[Path]:
    """A folder for LoRAs that is taken away again."""
    made = toy_models / "loras" / "coming and going"
    made.mkdir()
    yield made
    shutil.rmtree(made)


def rescan(server: Running) -> dict[str, Any]:
    answer = server.client.post("/v1/engines/rescan")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_what_has_come_changed_and_gone_is_told_once(server: Running, folder: Path, toy_models: Path) -> None:
    rescan(server)
    (folder / "new.safetensors").write_bytes(b"1")
    (folder / "notes.txt").write_text("no model")
    (folder / "half.safetensors.partial").write_bytes(b"1")
    vae = toy_models / "vae" / "coming"
    vae.mkdir()
    (vae / "config.json").write_text("{}")
    (vae / "diffusion_pytorch_model.safetensors").write_bytes(b"1")
    name = "coming and going/new.safetensors"
    told = rescan(server)
    assert (told["new"], told["changed"], told["gone"]) == ({"loras": [name], "vae": ["coming"]}, {}, {})
    (folder / "new.safetensors").write_bytes(b"22")
    told = rescan(server)
    assert (told["new"], told["changed"], told["gone"]) == ({}, {"loras": [name]}, {})
    (folder / "new.safetensors").unlink()
    shutil.rmtree(vae)
    told = rescan(server)
    assert (told["new"], told["changed"], told["gone"]) == ({}, {}, {"loras": [name], "vae": ["coming"]})
    assert rescan(server)["gone"] == {}


def test_it_tells_all_that_is_there(server: Running, folder: Path) -> None:
    rescan(server)
    (folder / "new.safetensors").write_bytes(b"1")
    told = rescan(server)
    assert told["new"] == {"loras": ["coming and going/new.safetensors"]}
    assert "gesso-starter" in told["found"]["checkpoints"]
    assert "gesso-salient.onnx" in told["found"]["rembg"]
    assert {"other.safetensors", "sub/folder"} <= set(told["found"]["vae"])
    listed = server.client.get("/v1/engines/all-models").json()
    assert set(listed["model_filenames"]) <= set(told["found"]["checkpoints"])
    assert "coming and going/new.safetensors" in listed["lora_filenames"]


def test_hashes_of_files_that_changed_are_forgotten(server: Running, folder: Path) -> None:
    kept = server.outputs / ".hashes.json"
    server.made(prompt="with a hash")
    known = json.loads(kept.read_text())
    gone = json.dumps([[str(folder / "gone.safetensors"), 1, 1]])
    kept.write_text(json.dumps(known | {gone: "0123456789"}))
    assert rescan(server)["forgotten"] == 1
    assert json.loads(kept.read_text()) == known
    assert rescan(server)["forgotten"] == 0
