"""`python -m training <part> [--out FOLDER] [--steps N]`: make one part of the starter pack; `pack` may name parts."""

import argparse
import importlib
from pathlib import Path

PARTS = (
    "vae",
    "deepen",
    "halves",
    "words",
    "latents",
    "denoiser",
    "decoder",
    "salient",
    "sam",
    "dino",
    "upscaler",
    "captioner",
    "judge",
    "pack",
    "unpack",
    "evaluate",
    "evaluate_masks",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("only", nargs="*", help="for pack: the parts to write; else all that have a run")
    parser.add_argument("--out", type=Path, default=Path("training/runs"), help="where runs and checkpoints lie")
    parser.add_argument("--steps", type=int, help="how many steps, instead of the part's own number")
    asked = parser.parse_args()
    part = importlib.import_module(f"training.{asked.part}")
    if unknown := sorted(set(asked.only) - set(getattr(part, "PACKED", ()))):
        known = ", ".join(getattr(part, "PACKED", ())) or "none"
        parser.error(f"{asked.part} knows no part {', '.join(unknown)}; it knows: {known}")
    more = {"steps": asked.steps, "only": asked.only}
    part.run(asked.out / asked.part, **{name: value for name, value in more.items() if value})


if __name__ == "__main__":
    main()
