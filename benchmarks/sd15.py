"""SD 1.5 at 512², full size, random weights, on a CUDA device: Gesso beside raw diffusers (`_unets.py`)."""

from benchmarks import _cards


def run(*, cases: int = 5) -> None:
    """cases: rounds, all arms in each. Raises SystemExit where there is no CUDA device."""
    _cards.on_a_card("sd1", side=512, flops=None, cases=cases)
