from pathlib import Path

import pytest

from configs.settings import Settings
from masking.asked import MaskAsked, Usual
from masking.errors import GessoError, InvalidValue, ModelMissing
from masking.planning import resolve
from masking.plans import MaskPlan

PICTURE = Path("picture.png")
USUAL = Usual(mask_model="own", sam_model="own-sam", dino_model="own-dino")


@pytest.fixture
def settings(tmp_path):
    """An installation with the models "own", "u2net" and "u2net_cloth_seg": names are all that planning reads."""
    (tmp_path / "rembg").mkdir()
    for name in ("own", "u2net", "u2net_cloth_seg", ".half-fetched"):
        (tmp_path / "rembg" / f"{name}.onnx").touch()
    return Settings(models_path=tmp_path)


def plan(settings: Settings, **fields) -> MaskPlan:
    planned = resolve(MaskAsked(image=PICTURE, **fields), settings, USUAL)
    assert isinstance(planned, MaskPlan)
    return planned


def test_nothing_asked_takes_the_presets_own_model(settings):
    assert plan(settings) == MaskPlan(image=PICTURE, model="own")


def test_an_installed_model_is_taken_by_its_name(settings):
    assert plan(settings, mask_model="u2net").model == "u2net"


def test_fooocus_default_falls_back_to_the_presets_own_and_says_so(settings):
    planned = plan(settings, mask_model="isnet-general-use")
    assert planned.model == "own"
    assert any("isnet-general-use" in warning and "own" in warning for warning in planned.warnings)


def test_fooocus_default_is_used_where_it_is_installed(settings, tmp_path):
    (tmp_path / "rembg" / "isnet-general-use.onnx").touch()
    assert plan(settings, mask_model="isnet-general-use") == MaskPlan(image=PICTURE, model="isnet-general-use")


def test_a_known_model_without_its_file_is_missing_and_the_message_fetches_it(settings):
    with pytest.raises(ModelMissing, match=r"launch\.py download silueta") as caught:
        plan(settings, mask_model="silueta")
    assert caught.value.field == "mask_model"


def test_a_preset_whose_model_is_gone_is_refused(settings):
    with pytest.raises(InvalidValue, match="lost"):
        resolve(MaskAsked(image=PICTURE), settings, Usual(mask_model="lost", sam_model="s", dino_model="d"))


def test_a_name_that_exists_nowhere_is_refused_with_the_nearest(settings):
    with pytest.raises(InvalidValue, match=r"u2net_cloth_seg") as caught:
        plan(settings, mask_model="u2net_cloths")
    assert caught.value.field == "mask_model"


def test_a_file_that_is_still_on_its_way_is_no_model(settings):
    with pytest.raises(InvalidValue):
        plan(settings, mask_model=".half-fetched")


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        ({"mask_model": "sam"}, "dino_prompt_text"),
        ({"mask_model": "sam", "dino_prompt_text": " . "}, "dino_prompt_text"),
        ({"mask_model": "sam", "dino_debug": True}, "dino_prompt_text"),
        ({"dino_prompt_text": "a cat"}, "sam_model"),
        ({"dino_prompt_text": "a cat", "sam_model": "own"}, "sam_model"),
    ],
)
def test_what_sam_cannot_do_is_refused_by_the_name_of_the_field(settings, fields, blamed):
    with pytest.raises(InvalidValue, match=blamed) as caught:
        plan(settings, **fields)
    assert caught.value.field == blamed


@pytest.mark.parametrize("name", ["vit_l", "vit_h"])
def test_a_known_segmenter_without_its_file_is_missing_and_the_message_fetches_it(settings, name):
    for fields in ({"mask_model": "sam", "sam_model": name}, {"mask_model": name}, {"sam_model": name}):
        with pytest.raises(ModelMissing, match=rf"launch\.py download {name}") as caught:
            plan(settings, dino_prompt_text="a cat", **fields)
        assert caught.value.field == "sam_model"


def test_fooocus_own_defaults_ask_for_nothing(settings):
    sent = {"cloth_category": "full", "dino_prompt_text": "", "sam_model": "vit_b", "box_threshold": 0.3}
    rest = {"text_threshold": 0.25, "sam_max_detections": 0, "dino_erode_or_dilate": 0, "dino_debug": False}
    assert plan(settings, **sent, **rest) == MaskPlan(image=PICTURE, model="own")


def test_a_field_that_the_named_model_does_not_read_is_told(settings):
    planned = plan(settings, mask_model="u2net", dino_prompt_text="a cat", cloth_category="upper")
    assert {warning.split()[0] for warning in planned.warnings} == {"dino_prompt_text", "cloth_category"}


def test_the_cloth_model_reads_the_cloth_category(settings):
    planned = plan(settings, mask_model="u2net_cloth_seg", cloth_category="upper")
    assert (planned.cloth_category, planned.warnings) == ("upper", ())


def test_an_unknown_cloth_category_is_refused(settings):
    with pytest.raises(InvalidValue, match="full, upper, lower"):
        plan(settings, cloth_category="hat")


def test_a_plan_survives_its_way_to_the_worker(settings):
    planned = plan(settings, mask_model="isnet-general-use")
    assert MaskPlan.from_json(planned.to_json()) == planned


def test_every_error_says_which_field_is_to_blame_also_after_pickling():
    import pickle

    back = pickle.loads(pickle.dumps(InvalidValue("no such thing", field="mask_model")))
    assert isinstance(back, GessoError)
    assert (str(back), back.field) == ("no such thing", "mask_model")
