"""`python -m benchmarks <name> [--cases N]`: prints a Markdown table, and the machine it ran on."""

import argparse
import importlib
import platform

NAMES = ("png", "seams")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--cases", type=int, help="how many cases, instead of the benchmark's own number")
    asked = parser.parse_args()
    print(f"{platform.machine()} {platform.processor() or platform.system()}, Python {platform.python_version()}\n")
    benchmark = importlib.import_module(f"benchmarks.{asked.name}")
    benchmark.run(**({"cases": asked.cases} if asked.cases else {}))


if __name__ == "__main__":
    main()
