"""Whether the tests of mask tools tell right masks from wrong ones."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training import evaluate_masks
from training.scenes import Painting, Scene, paint


class Truth:
    """Gives the true masks of what was painted last."""

    def __init__(self) -> None:
        self.last: Painting | None = None

    def paint(self, scene: Scene) -> Painting:
        self.last = paint(scene)
        return self.last

    def __call__(self, picture: NDArray[np.uint8], **fields: object) -> NDArray[np.bool_]:
        assert self.last is not None
        chosen = [mask for i, mask in enumerate(self.last.masks) if self._means(i, **fields)]
        return np.any([np.zeros(picture.shape[:2], bool), *chosen], axis=0)

    def _means(self, number: int, **fields: object) -> bool:
        assert self.last is not None
        mask, thing = self.last.masks[number], self.last.scene.things[number]
        match fields:
            case {"points": [[int(x), int(y)]]}:
                return bool(mask[y, x])
            case {"boxes": [[left, top, right, bottom]]}:
                ys, xs = np.nonzero(mask)
                off = np.array([xs.min() - left, ys.min() - top, xs.max() - right, ys.max() - bottom])
                return bool(np.abs(off).max() < 9)
            case {"dino_prompt_text": str(words)}:
                return set(words.split()) <= {thing.colour, thing.kind}
        raise AssertionError(fields)


@pytest.fixture
def truth(monkeypatch: pytest.MonkeyPatch) -> Truth:
    told = Truth()
    monkeypatch.setattr(evaluate_masks, "paint", told.paint)
    return told


def score(test: str, masks: evaluate_masks.Masks) -> float:
    """The mean overlap where a test measures one alone, else the share that is right."""
    made = getattr(evaluate_masks, test)(masks, np.random.default_rng(3), 12)
    return float(np.mean(made.right if made.right else made.figures["iou"]))


NAMES = [test.__name__ for test in evaluate_masks.TESTS]


@pytest.mark.parametrize("test", NAMES)
def test_the_truth_is_right(truth: Truth, test: str) -> None:
    assert score(test, truth) == 1


@pytest.mark.parametrize("test", NAMES)
def test_everything_at_once_is_wrong(truth: Truth, test: str) -> None:
    assert score(test, lambda picture, **fields: np.ones(picture.shape[:2], bool)) < 0.5


@pytest.mark.parametrize("test", ["click", "box", "words", "twins", "every"])
def test_nothing_at_all_is_wrong(truth: Truth, test: str) -> None:
    assert score(test, lambda picture, **fields: np.zeros(picture.shape[:2], bool)) == 0


def test_a_table_and_sheets_to_look_at_are_left(truth: Truth, tmp_path: Path) -> None:
    table = evaluate_masks.measure(truth, tmp_path, 1)
    assert table.count("\n") == 2 + len(NAMES)
    assert {path.stem for path in tmp_path.glob("*.webp")} == set(NAMES)
