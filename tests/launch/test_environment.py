"""Set-up, with real venv and pip, and with stand-ins of a few bytes for the packages."""

import os
import shutil
import subprocess
import zipfile
from collections import deque
from pathlib import Path

import pytest

from installation import environment as setting_up
from installation.environment import Environment, missing
from installation.progress import Outcome
from installation.pythons import Problem


def wheel(folder: Path, name: str, version: str) -> Path:
    """A package that holds one module of its own name."""
    file = folder / f"{name}-{version}-py3-none-any.whl"
    kept = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", f"version = {version!r}\n")
        archive.writestr(f"{kept}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{kept}/WHEEL", "Wheel-Version: 1.0\nGenerator: here\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{kept}/RECORD", f"{name}.py,,\n{kept}/METADATA,,\n{kept}/WHEEL,,\n{kept}/RECORD,,\n")
    return file


@pytest.fixture(autouse=True)
def _room(monkeypatch):
    monkeypatch.setattr(setting_up, "NEEDED_GB", 0.01)


def write(root: Path, **lists: list[Path]) -> None:
    for name, wheels in lists.items():
        (root / f"{name.replace('_', '-')}.txt").write_text("".join(f"{file}\n" for file in wheels), encoding="utf-8")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project that needs rembg, then OpenCV as the last touch, and for its tests a tester; set up."""
    root = tmp_path_factory.mktemp("project")
    write(
        root,
        requirements=[wheel(root, "rembg", "1.0")],
        requirements_last=[wheel(root, "headless", "1.0")],
        requirements_dev=[wheel(root, "tester", "1.0")],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setting_up, "NEEDED_GB", 0.01)
        Environment(root).ready()
    return root


def has(root: Path, module: str) -> str | None:
    """The version that the environment has of a module."""
    asked = f"import {module}; print({module}.version)"
    said = subprocess.run([Environment(root).python, "-c", asked], capture_output=True, text=True, check=False)
    return said.stdout.strip() or None


def test_set_up_makes_a_python_with_all_requirements_and_the_last_touch(root):
    assert has(root, "rembg") == "1.0"
    assert has(root, "headless") == "1.0"
    assert has(root, "tester") is None


def test_a_second_run_starts_no_process_at_all(root, monkeypatch):
    monkeypatch.setattr(setting_up, "watch", lambda *args, **kwargs: pytest.fail("something was run"))
    assert Environment(root).ready() == Environment(root).python


def test_the_test_tools_come_on_top_and_only_when_asked_for(root):
    Environment(root).ready(tests=True)
    assert has(root, "tester") == "1.0"


def test_changed_requirements_are_installed(root):
    write(root, requirements=[wheel(root, "rembg", "2.0")])
    Environment(root).ready()
    assert has(root, "rembg") == "2.0"


def test_a_half_made_environment_is_made_anew(root):
    packages = next(Environment(root).folder.rglob("site-packages"))
    shutil.rmtree(packages / "pip")
    write(root, requirements=[wheel(root, "rembg", "3.0")])
    Environment(root).ready()
    assert has(root, "rembg") == "3.0"


def test_what_runs_in_it_finds_the_project_and_keeps_numbas_cache(root, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    variables = Environment(root).variables()
    assert variables["PYTHONPATH"].split(os.pathsep)[0] == str(root)
    assert Path(variables["NUMBA_CACHE_DIR"]).is_relative_to(root / ".venv")


@pytest.fixture
def bare(tmp_path):
    """A project that was never set up."""
    write(tmp_path, requirements=[tmp_path / "nowhere.whl"], requirements_last=[])
    return tmp_path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "full"),
        ("WARNING: NewConnectionError: Temporary failure in name resolution", "network"),
        ("ERROR: [Errno 13] Permission denied: '/x'", "permission"),
        ("ERROR: something nobody thought of", "setup.log"),
    ],
)
def test_a_failed_install_is_told_in_one_sentence(bare, monkeypatch, line, words):
    monkeypatch.setattr(setting_up, "watch", lambda *args, **kwargs: Outcome(1, last=deque([line])))
    with pytest.raises(Problem, match=words) as caught:
        Environment(bare).ready()
    assert "\n" not in str(caught.value)


def test_pips_own_failure_leaves_no_stamp(bare):
    with pytest.raises(Problem, match=r"nowhere\.whl"):
        Environment(bare).ready()
    with pytest.raises(Problem, match=r"nowhere\.whl"):
        Environment(bare).ready()


def test_too_little_room_is_told_before_anything_is_written(bare, monkeypatch):
    monkeypatch.setattr(setting_up, "NEEDED_GB", 1e9)
    with pytest.raises(Problem, match=r"GB are free.*--no-setup"):
        Environment(bare).ready()
    assert not (bare / ".venv").exists()


def test_a_python_without_venv_is_told_what_to_install(bare, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Problem, match=r"apt install python3\.\d+-venv"):
        Environment(bare).ready()


def test_a_persons_own_environment_of_another_python_is_left_alone(bare):
    (bare / ".venv").mkdir()
    (bare / ".venv" / "pyvenv.cfg").write_text("home = /usr\nversion = 3.9.1\n")
    with pytest.raises(Problem, match=r"3\.9.*--no-setup"):
        Environment(bare).ready()
    assert (bare / ".venv" / "pyvenv.cfg").exists()


def test_a_folder_that_may_not_be_written_is_told(bare, monkeypatch):
    monkeypatch.setattr("os.access", lambda *args: False)
    with pytest.raises(Problem, match="No permission"):
        Environment(bare).ready()


def test_without_set_up_what_is_lacking_is_named(bare):
    (bare / "requirements.txt").write_text("# a comment\npytest==0\nno-such-package[extra]==1.0\n")
    assert missing(bare) == ["no-such-package"]
