"""The score of a seam: about 1 where nothing was done, more the more can be seen."""

import numpy as np

from pipelines import seam, seam_score
from tests.pipelines.recipes import round_hole


def wavy(width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 9), np.cos(y / 7 + x / 20), np.sin((x + y) / 11)], -1)
    return np.rint(128 + 50 * waves).astype(np.uint8)


def score(edited: np.ndarray) -> seam_score.SeamScore:
    height, width = edited.shape[:2]
    found = seam_score.measure(wavy(width, height), edited, round_hole(width, height))
    assert found
    return found


def test_an_untouched_picture_has_no_seam():
    untouched = score(wavy(200, 150))
    assert untouched.colour < 1.6
    assert untouched.slope < 1.6


def test_a_shift_of_colour_is_seen_and_the_more_the_larger_it_is():
    steps = []
    for shift in (0, 10, 30):
        shifted = wavy(200, 150)
        shifted[round_hole(200, 150)] += np.uint8(shift)
        steps.append(score(shifted))
    assert steps[0].colour < steps[1].colour < steps[2].colour
    assert steps[0].colour_step < steps[1].colour_step < steps[2].colour_step
    assert steps[2].slope > 2 * steps[0].slope


def test_a_halo_outside_the_mask_counts():
    haloed = wavy(200, 150).astype(int)
    outside = ~round_hole(200, 150)
    haloed[outside & round_hole(200, 150, grown=1.2)] += 40
    assert score(haloed.astype(np.uint8)).colour > 2 * score(wavy(200, 150)).colour


def test_our_own_paste_leaves_hardly_more_than_the_picture_has():
    original = wavy(200, 150)
    patch = np.clip(original * 0.85 + 30, 0, 255).astype(np.uint8)
    pasted = seam.paste(original, patch, round_hole(200, 150).astype(np.uint8) * 255)
    assert score(pasted).colour < 1.1 * score(original).colour


def test_large_pictures_are_measured_too():
    original = wavy(2600, 1500)
    shifted = original.copy()
    shifted[200:1400, 200:2400] += np.uint8(30)
    hole = np.zeros((1500, 2600), bool)
    hole[200:1400, 200:2400] = True
    found = seam_score.measure(original, shifted, hole)
    assert found
    assert found.colour > 2


def test_without_an_edge_there_is_nothing_to_measure():
    for hole in (np.zeros((20, 20), bool), np.ones((20, 20), bool)):
        assert seam_score.measure(wavy(20, 20), wavy(20, 20), hole) is None
