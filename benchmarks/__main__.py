"""`python3 launch.py bench <name>`: prints a Markdown table and the machine it ran on; with --out it is kept, too."""

import argparse
import contextlib
import importlib
import importlib.metadata
import io
import json
import os
import pkgutil
import platform
import sys
from datetime import date
from pathlib import Path
from typing import TextIO

import benchmarks

VERSIONS = ("torch", "diffusers", "transformers", "numpy", "pillow", "onnxruntime")


def main() -> None:
    parser = argparse.ArgumentParser(prog="launch.py bench", description=__doc__)
    parser.add_argument("name", choices=names())
    parser.add_argument("--cases", type=int, help="how many cases or rounds, instead of the benchmark's own number")
    parser.add_argument("--out", type=Path, help="a folder for <name>.md and <name>.json")
    asked = parser.parse_args()
    benchmark = importlib.import_module(f"benchmarks.{asked.name}")
    with contextlib.redirect_stdout(_Heard(sys.stdout)) as heard:
        print(f"{asked.name}, {date.today()}: {_machine()}\n")
        benchmark.run(**({"cases": asked.cases} if asked.cases else {}))
    if asked.out:
        _keep(asked.out, asked.name, heard.getvalue())


def names() -> list[str]:
    """Every file beside this one is a benchmark."""
    files = pkgutil.iter_modules(benchmarks.__path__)
    return sorted(file.name for file in files if not file.ispkg and not file.name.startswith("_"))


def tables(markdown: str) -> list[list[dict[str, str]]]:
    """Every Markdown table in a text: a list of rows, each value by its column's heading."""
    found: list[list[list[str]]] = [[]]
    for line in markdown.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [[dict(zip(head, row, strict=False)) for row in rows] for head, _, *rows in filter(None, found)]


class _Heard(io.StringIO):
    """Keeps what is printed, which goes to the screen, too."""

    def __init__(self, screen: TextIO) -> None:
        super().__init__()
        self._screen = screen

    def write(self, words: str) -> int:
        self._screen.write(words)
        self._screen.flush()
        return super().write(words)


def _keep(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    told = {"benchmark": name, "date": str(date.today()), "machine": _machine(), "tables": tables(text)}
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / f"{name}.json").write_text(json.dumps(told, indent=2, ensure_ascii=False), encoding="utf-8")


def _machine() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in VERSIONS)
    chip = _chip() or platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores, {chip}, {platform.system()}, Python {platform.python_version()}, {versions}"


def _chip() -> str:
    """The processor's name where Linux tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return ""


if __name__ == "__main__":
    main()
