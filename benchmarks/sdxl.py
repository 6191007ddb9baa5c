"""SDXL at 1024², full size, random weights, on a CUDA device: Gesso beside raw diffusers; see `_unets.py`."""

from benchmarks import _cards


def run(*, cases: int = 5) -> None:
    """cases: rounds, all arms in each. Raises SystemExit where there is no CUDA device."""
    _cards.on_a_card("sdxl", side=1024, flops=(13.5, 10.5), cases=cases)
