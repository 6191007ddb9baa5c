"""The checks of the evaluation themselves."""

import numpy as np

from training import evaluate
from training.scenes import Painting, draw, paint


def strips(count: int) -> list[tuple[Painting, np.ndarray]]:
    """Scenes whose left 80 px are cut off, each with the whole picture; nothing stands in the strip."""
    rng = np.random.default_rng(12)
    found: list[tuple[Painting, np.ndarray]] = []
    while len(found) < count:
        whole = paint(draw(rng, count=1, width=336, height=256))
        if not whole.masks[0][:, :80].any():
            cut = Painting(
                scene=whole.scene,
                picture=whole.picture[:, 80:],
                background=whole.background[:, 80:],
                masks=(whole.masks[0][:, 80:],),
            )
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
