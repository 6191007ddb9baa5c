import pickle
from pathlib import Path

import pytest

from configs.keys import keys
from configs.models import STARTER, model_folders
from configs.settings import LIMITS, Settings, SettingsError, public_url


def test_settings_travel_to_another_process():
    settings = Settings(port=1234, output_path=Path("pictures"))
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.contract("1/base-url")
@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:7866"),
        ("pictures.example", "http://pictures.example:7866"),
        ("https://pictures.example/gesso/", "https://pictures.example/gesso"),
        ("http://10.0.0.5:80", "http://10.0.0.5:80"),
    ],
)
def test_a_base_url_with_a_scheme_is_taken_as_it_is_and_a_host_gets_the_port(base_url, expected):
    assert public_url(Settings(base_url=base_url)) == expected


def test_the_database_lies_with_the_outputs_unless_it_is_told_where(tmp_path):
    assert Settings(output_path=tmp_path).database == tmp_path / "db.sqlite3"
    assert Settings(output_path=tmp_path, database=Path("kept/tasks.db")).database == tmp_path / "kept" / "tasks.db"
    assert Settings(output_path=tmp_path, database=tmp_path.parent / "x.db").database == tmp_path.parent / "x.db"


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 0},
        {"port": 65536},
        {"max_batch": -1},
        {"vram": "much"},
        {"vram_limit": "much"},
        {"vram_limit": "120%"},
        {"threads": -1},
        {"device": "tpu"},
        {"devices": ()},
        {"devices": ("cuda",)},
        {"devices": ("auto", "cpu")},
        {"devices": ("cpu", "cuda:0")},
        {"devices": ("cuda:0", "cuda:1"), "device": "cpu"},
        {"log_level": "loud"},
        {"webhook_url": "example.com/hook"},
        {"listen": ""},
    ],
)
def test_a_value_out_of_range_is_refused_by_its_flag(wrong):
    with pytest.raises(SettingsError, match="--" + next(iter(wrong)).replace("_", "-")):
        Settings(**wrong)


def test_the_users_own_models_come_before_the_starters(tmp_path):
    assert model_folders(Settings(models_path=tmp_path)) == (tmp_path, STARTER)
    assert model_folders(Settings(models_path=STARTER)) == (STARTER,)


@pytest.mark.contract("0/limits")
def test_limits_are_those_of_the_contract():
    assert (LIMITS.max_pixels, LIMITS.max_side, LIMITS.max_body) == (64_000_000, 8192, 134_217_728)


def test_the_secret_is_not_shown_with_the_other_settings():
    assert "kept quiet" not in repr(Settings(webhook_secret="kept quiet"))


def test_keys_come_from_the_command_line_and_from_a_file_and_are_told_to_nobody(tmp_path):
    file = tmp_path / "keys.txt"
    file.write_text("\ufeff# laptop\n  from the file \n\nfirst\n", encoding="utf-8")
    settings = Settings(apikey=("first", "", "second one"), apikey_file=file)
    assert keys(settings) == ("first", "second one", "from the file")
    assert "first" not in repr(settings)
    assert keys(Settings()) == ()


@pytest.mark.parametrize("content", ["", "# nothing\n", None, "schlüssel\n"])
def test_a_file_without_a_key_that_can_be_sent_is_refused(tmp_path, content):
    file = tmp_path / "keys.txt"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"keys\.txt") as caught:
        keys(Settings(apikey_file=file))
    assert "schl" not in str(caught.value)


@pytest.mark.parametrize("origin", ["art.example", "https://art.example/x", "https://a@b.example", "ftp://x", ""])
def test_what_is_no_origin_is_refused(origin):
    with pytest.raises(SettingsError, match="--cors-origin"):
        Settings(cors_origin=(origin,))
