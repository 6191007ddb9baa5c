"""The checks of the evaluation themselves, and what the denoiser's close-ups show."""

import random

import numpy as np
import torch

from training import denoiser, evaluate
from training.scenes import Painting, draw, paint


def strips(count: int) -> list[tuple[Painting, np.ndarray]]:
    """Scenes whose left 80 px are cut off, each with the whole picture; nothing stands in the strip."""
    rng = np.random.default_rng(12)
    found: list[tuple[Painting, np.ndarray]] = []
    while len(found) < count:
        whole = paint(draw(rng, count=1, width=336, height=256))
        if not whole.masks[0][:, :80].any():
            cut = Painting(scene=whole.scene, picture=whole.picture[:, 80:], masks=(whole.masks[0][:, 80:],))
            found.append((cut, whole.picture))
    return found


def judged(painting: Painting, picture: np.ndarray) -> evaluate.Score:
    score = evaluate.Score("outpaint", "")
    evaluate._judge_strip(score, painting, "Left", picture)
    return score


def test_the_true_continuation_passes_and_a_replicated_edge_fails() -> None:
    passed = 0
    for painting, whole in strips(12):
        passed += judged(painting, whole).right[0]
        replicated = np.pad(painting.picture, ((0, 0), (80, 0), (0, 0)), mode="edge")
        score = judged(painting, replicated)
        assert score.figures["energy"][0] < 0.01
        assert not score.right[0]
    assert passed >= 7


def test_a_close_up_holds_the_whole_thing() -> None:
    chance = random.Random(1)
    for _ in range(50):
        y, x, high, wide = chance.randrange(30), chance.randrange(20), chance.randrange(1, 18), chance.randrange(1, 18)
        seen = torch.zeros(44, 32)
        seen[y : y + high, x : x + wide] = 1
        top, left = denoiser._corner(chance, seen)
        assert 0 <= top <= 44 - denoiser.CLOSE
        assert 0 <= left <= 32 - denoiser.CLOSE
        part = seen[top : top + denoiser.CLOSE, left : left + denoiser.CLOSE]
        assert part.sum() == seen.sum()


def test_a_close_up_of_nothing_is_somewhere() -> None:
    assert all(0 <= side <= 12 for side in denoiser._corner(random.Random(2), torch.zeros(32, 32)))
