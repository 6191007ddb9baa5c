"""What the layout promises: arrows to the right only, light where it must be light, files to be read in one go."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from configs.settings import ROOT
from masking.errors import public_errors

LINE = ("launch", "demo", "server", "pipelines", "masking", "configs")
"""From left to right; `installation` hangs on `launch` alone."""
PACKAGES = (*LINE, "installation")
HEAVY = ("torch", "diffusers", "transformers", "rembg", "onnxruntime", "cv2", "numba")
LIGHT = ("launch", "installation", "configs")
EMPTY_WORDS = ("utils", "util", "helpers", "helper", "common", "manager", "base", "misc")


def sources() -> list[Path]:
    inside = (file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return [ROOT / "launch.py", *inside]


def module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(file: Path, *, anywhere: bool = True) -> set[str]:
    """What a file imports, as modules as far as they are files of ours; at its top level only unless `anywhere`."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree) if anywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports in full"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in MODULES else str(node.module) for name in inner}
    return names


MODULES = {module(file): file for file in sources()}


@pytest.mark.parametrize("file", sources(), ids=module)
def test_imports_go_to_the_right_only(file):
    own = module(file).split(".")[0]
    right = {"installation"} if own in ("launch", "installation") else set()
    if own in LINE:
        right |= set(LINE[LINE.index(own) :])
    ours = {name.split(".")[0] for name in imported(file)} & {*PACKAGES, "training", "tests"}
    assert ours <= right


def test_no_module_needs_itself():
    graph = {name: imported(file, anywhere=False) & set(MODULES) for name, file in MODULES.items()}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("file", [file for file in sources() if module(file).split(".")[0] in LIGHT], ids=module)
def test_bare_python_can_run_the_launcher(file):
    foreign = {name.split(".")[0] for name in imported(file)} - set(sys.stdlib_module_names) - set(PACKAGES)
    assert not foreign


def test_the_process_that_answers_http_imports_no_heavy_library(tmp_path):
    script = f"""
import sys
from pathlib import Path
from configs.settings import Settings
from server.app import create_app
import masking.models
folder = Path({str(tmp_path)!r})
app = create_app(Settings(output_path=folder / "out", input_path=folder / "in", models_path=folder))
app.openapi()
masking.models.libraries()
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert said.stdout.strip() == "[]", said.stdout + said.stderr


@pytest.mark.parametrize("file", sources(), ids=module)
def test_files_can_be_read_in_one_go_and_are_named_after_an_idea(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 320
    assert not set(module(file).split(".")) & set(EMPTY_WORDS)


def test_every_public_error_has_a_status():
    from server import errors

    text = Path(str(errors.__file__)).read_text(encoding="utf-8")
    assert [kind.__name__ for kind in public_errors() if kind.__name__ not in text] == []


def test_every_route_is_in_the_manual(tmp_path):
    from configs.settings import Settings
    from server.app import create_app

    app = create_app(Settings(output_path=tmp_path / "out", input_path=tmp_path / "in"))
    manual = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert [path for path in app.openapi()["paths"] if path not in manual] == []
