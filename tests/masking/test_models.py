import inspect
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from configs.settings import ROOT, Settings
from masking import models
from masking.errors import BrokenModel, ModelMissing
from masking.models.rembg import Session, _providers
from masking.plans import MaskPlan
from masking.weights import files
from tests.toy_masks import red_finder


@pytest.fixture
def settings(tmp_path):
    red_finder(tmp_path / "rembg" / "red.onnx")
    return Settings(models_path=tmp_path, device="cpu", threads=1)


@pytest.fixture
def red(settings):
    return models.load("red", settings)


def red_ball(width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), (40, 160, 60))
    ImageDraw.Draw(picture).ellipse((width // 4, height // 4, width * 3 // 4, height * 3 // 4), fill=(220, 20, 20))
    return picture


def masked(model: models.MaskModel, picture: Image.Image, tmp_path) -> np.ndarray:
    mask = model.mask(picture, MaskPlan(image=tmp_path / "unread.png", model="red"))
    assert (mask.mode, mask.size) == ("L", picture.size)
    return np.asarray(mask)


def test_a_custom_onnx_is_run_by_rembg_and_finds_its_object(red, tmp_path):
    mask = masked(red, red_ball(200, 120), tmp_path)
    assert mask[60, 100] > 250
    assert max(mask[2, 2], mask[-2, -2]) < 5


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (641, 37)])
def test_the_mask_has_the_pictures_size_whatever_it_is(red, size, tmp_path):
    masked(red, red_ball(*size), tmp_path)


def test_nothing_found_is_a_black_mask(red, tmp_path):
    assert not masked(red, Image.new("RGB", (64, 48), (20, 200, 40)), tmp_path).any()


def test_the_same_picture_gives_the_same_mask(red, tmp_path):
    picture = red_ball(90, 90)
    assert np.array_equal(masked(red, picture, tmp_path), masked(red, picture, tmp_path))


def test_a_file_with_a_name_of_rembg_runs_as_that_model_and_is_not_fetched(tmp_path):
    red_finder(tmp_path / "rembg" / "u2netp.onnx")
    session = models.load("u2netp", Settings(models_path=tmp_path, device="cpu", threads=1))
    assert isinstance(session, Session)
    assert session.inner.name() == "u2netp"


@pytest.mark.parametrize("name", ["withoutbg", "atlascloud", "sam", "dis_custom"])
def test_a_file_named_after_a_remote_or_many_file_session_runs_here_as_a_custom_model(tmp_path, name):
    red_finder(tmp_path / "rembg" / f"{name}.onnx")
    session = models.load(name, Settings(models_path=tmp_path, device="cpu", threads=1))
    assert isinstance(session, Session)
    assert session.inner.name() == "u2net_custom"


def test_the_users_own_file_comes_before_the_starters(tmp_path):
    for root in ("own", "starter"):
        red_finder(tmp_path / root / "rembg" / "red.onnx")
    library = models.libraries()[0]
    assert library.installed([tmp_path / "own", tmp_path / "starter"])["red"].is_relative_to(tmp_path / "own")


@pytest.mark.parametrize("content", [b"", b"this is no model at all"])
def test_a_file_that_is_no_model_is_told_by_its_path(settings, tmp_path, content):
    (tmp_path / "rembg" / "broken.onnx").write_bytes(content)
    with pytest.raises(BrokenModel, match=r"broken\.onnx"):
        models.load("broken", settings)


def test_a_file_that_went_away_after_planning_is_missing(settings):
    with pytest.raises(ModelMissing, match=r"launch\.py download u2net"):
        models.load("u2net", settings)


def test_loading_a_mask_model_leaves_torch_its_number_of_threads(settings):
    script = f"""
import torch
from pathlib import Path
from configs.settings import ROOT, Settings
from masking import models
torch.set_num_threads(1)
models.load("red", Settings(models_path=Path({str(settings.models_path)!r})))
print(torch.get_num_threads())
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert said.stdout.strip() == "1", said.stderr


@pytest.mark.parametrize(("device", "fast"), [("cuda:1", "CUDAExecutionProvider"), ("mps", ""), ("cpu", "")])
def test_onnxruntime_runs_on_the_device_where_it_can(monkeypatch, device, fast):
    monkeypatch.setattr(
        "onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    assert _providers(device) == [*([fast] if fast else []), "CPUExecutionProvider"]


def test_every_local_rembg_model_can_be_named_and_is_fetched_from_where_rembg_does():
    from rembg.sessions import sessions

    unnamed = {"sam", "u2net_custom", "dis_custom", "ben_custom", "birefnet-general-fp16"}  # no single file to fetch
    local = {name: kind for name, kind in sessions.items() if kind.is_local() and name not in unnamed}
    assert set(models.known()) == set(local)
    for name in models.known():
        ((_, url),) = files()[name].items()
        assert url in inspect.getsource(local[name])
