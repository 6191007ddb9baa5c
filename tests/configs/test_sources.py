from pathlib import Path

import pytest

from configs.settings import ROOT, Settings, SettingsError, flag, options
from configs.sources import LATER, load, parser


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to be in, whose gesso.toml is read."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_said_gives_the_defaults(here):
    assert load([], {}, here) == Settings()


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(here):
    (here / "gesso.toml").write_text('port = 1\nthreads = 1\npreset = "a"\n')
    environment = {"GESSO_PORT": "2", "GESSO_THREADS": "2"}
    settings = load(["--port", "3"], environment, here)
    assert (settings.port, settings.threads, settings.preset) == (3, 2, "a")


@pytest.mark.contract("0/one-port", "1/port")
@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({"GRADIO_SERVER_PORT": "7900"}, 7901),
        ({"GRADIO_SERVER_PORT": "7900", "API_PORT": "8000"}, 8000),
        ({"API_PORT": "8000", "GESSO_PORT": "8001"}, 8001),
        ({"API_PORT": ""}, 7866),
    ],
)
def test_fooocus_port_variables_are_honoured(here, environment, port):
    assert load([], environment, here).port == port


@pytest.mark.contract("1/listen")
def test_bare_listen_means_everybody(here):
    assert load(["--listen"], {}, here).listen == "0.0.0.0"
    assert load(["--listen", "--port", "80"], {}, here).listen == "0.0.0.0"
    assert load(["--listen", "10.0.0.5"], {}, here).listen == "10.0.0.5"


def test_paths_are_meant_from_where_they_are_written(here):
    (here / "elsewhere").mkdir()
    (here / "elsewhere" / "my.toml").write_text('output_path = "pictures"\ninput_path = "/sent"\n')
    settings = load(["--config", "elsewhere/my.toml", "--models-path", "weights"], {}, here)
    assert settings.output_path == here / "elsewhere" / "pictures"
    assert settings.input_path == Path("/sent").absolute()
    assert settings.models_path == here / "weights"


def test_a_setting_that_may_be_repeated_is_a_list_everywhere(here):
    assert load(["--allow-host", "a", "--allow-host", "b:80"], {}, here).allow_host == ("a", "b:80")
    assert load([], {"GESSO_ALLOW_HOST": "a, 10.0.0.0/8"}, here).allow_host == ("a", "10.0.0.0/8")
    (here / "gesso.toml").write_text('allow_host = ["a", "[::1]:80"]\n')
    assert load([], {}, here).allow_host == ("a", "[::1]:80")
    (here / "gesso.toml").write_text('allow_host = "a"\n')
    assert load([], {}, here).allow_host == ("a",)
    for wrong in ("a b", "http://a", "", "a:99999", "[a]", "-"):
        with pytest.raises(SettingsError, match="--allow-host"):
            Settings(allow_host=(wrong,))


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("off", False)])
def test_switches_read_the_usual_words(here, text, value):
    assert load([], {"GESSO_DISABLE_METADATA": text}, here).disable_metadata is value
    assert load(["--disable-metadata"], {}, here).disable_metadata


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--prot", "1"], "--port"),
        (["--port"], "--port"),
        (["--port", "many"], "'many'"),
        (["--port", "0"], "65535"),
        (["--device", "gpu"], "cuda"),
        (["serve"], "'serve'"),
        (["--config", "nowhere.toml"], "nowhere.toml"),
        (["--disable-metadata=1"], "--disable-metadata"),
    ],
)
def test_a_wrong_word_is_refused_with_the_way_out(here, arguments, words):
    with pytest.raises(SettingsError, match=words):
        load(arguments, {}, here)


@pytest.mark.contract("1/inherited-options")
@pytest.mark.parametrize("name", LATER)
def test_what_comes_in_a_later_version_is_refused_from_every_source(here, name):
    with pytest.raises(SettingsError, match=f"{flag(name)} is not supported"):
        load([flag(name), "x"], {}, here)
    with pytest.raises(SettingsError, match="is not supported"):
        load([], {f"GESSO_{name.upper()}": "x"}, here)
    (here / "gesso.toml").write_text(f'{name} = "x"\n')
    with pytest.raises(SettingsError, match="is not supported"):
        load([], {}, here)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("prot = 1", "port"),
        ("port = [1]", "one value"),
        ('port = "x"', "whole number"),
        ("port 1", "TOML"),
        ("\xff", "TOML"),
    ],
)
def test_a_wrong_line_in_the_file_is_told_with_the_files_name(here, content, words):
    (here / "gesso.toml").write_bytes(content.encode("latin-1"))
    with pytest.raises(SettingsError, match=words) as caught:
        load([], {}, here)
    assert "gesso.toml" in str(caught.value)


def test_the_help_tells_every_setting_and_what_is_refused(capsys):
    with pytest.raises(SystemExit, match="0"):
        parser().parse_args(["--help"])
    text = capsys.readouterr().out
    for name in (*options(), *LATER):
        assert flag(name) in text


def test_every_setting_is_in_the_manual_with_its_default_and_variable():
    manual = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [line for line in manual.splitlines() if line.startswith("| `--")]
    for name in options():
        row = next((line for line in rows if line.startswith(f"| `{flag(name)}`")), None)
        assert row, f"{flag(name)} is missing in docs/settings.md"
        assert f"`GESSO_{name.upper()}`" in row
        default = Settings.__dataclass_fields__[name].default
        shown = "off" if default is False else default.name if isinstance(default, Path) else str(default).lower()
        shown = ",".join(default) if isinstance(default, tuple) else shown
        assert shown in row, f"{flag(name)}: the manual has another default than {shown}"
    for name in LATER:
        assert f"`{flag(name)}`" in manual
