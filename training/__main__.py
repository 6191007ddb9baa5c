"""`python -m training <part> [--out FOLDER] [--steps N]`: make one part of the starter pack."""

import argparse
import importlib
from pathlib import Path

PARTS = (
    "vae",
    "words",
    "latents",
    "denoiser",
    "salient",
    "sam",
    "dino",
    "judge",
    "pack",
    "unpack",
    "evaluate",
    "evaluate_masks",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--out", type=Path, default=Path("training/runs"), help="where runs and checkpoints lie")
    parser.add_argument("--steps", type=int, help="how many steps, instead of the part's own number")
    asked = parser.parse_args()
    part = importlib.import_module(f"training.{asked.part}")
    part.run(asked.out / asked.part, **({"steps": asked.steps} if asked.steps else {}))


if __name__ == "__main__":
    main()
