"""Which model puts a picture into words, and what is said of it."""

from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from masking.errors import ModelMissing
from pipelines.describing import DescribeAsked, resolve
from tests.toy_describers import blip, tagger

BLIP = "blip-image-captioning-base"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """No model of the user's own, and a captioner that came with Gesso."""
    blip(tmp_path / "gesso" / "describe" / "gessos")
    monkeypatch.setattr("configs.models.STARTER", tmp_path / "gesso")
    return Settings(models_path=tmp_path / "models")


def asked(**more: Any) -> DescribeAsked:
    return DescribeAsked(image=Path("a.png"), **more)


def test_gessos_captioner_takes_anothers_place_and_says_so_unless_the_preset_expects_it(settings):
    plan = resolve(asked(), settings, BLIP)
    assert (plan.model, plan.kind) == ("gessos", "Photo")
    assert any("picture-book" in warning for warning in plan.warnings)
    assert resolve(asked(), settings, "gessos").warnings == ()
    assert resolve(asked(model="gessos"), settings, BLIP).warnings == ()


def test_a_users_own_captioner_comes_before_gessos(settings):
    blip(settings.models_path / "describe" / "mine")
    plan = resolve(asked(kind="Photo"), settings, "gessos")
    assert plan.model == "mine"
    assert plan.warnings == ()


def test_a_users_folder_of_the_same_name_hides_gessos(settings):
    tagger(settings.models_path / "describe" / "gessos")
    assert resolve(asked(kind="Anime"), settings, BLIP).model == "gessos"
    with pytest.raises(ModelMissing, match=BLIP):
        resolve(asked(), settings, BLIP)


def test_a_named_model_that_is_not_there_is_missing_though_another_would_do(settings):
    with pytest.raises(ModelMissing, match=rf"launch\.py download {BLIP}"):
        resolve(asked(model=BLIP), settings, "gessos")
