"""Weights in prompts are read as everybody writes them, and move the picture."""

import numpy as np
import pytest

from masking.errors import InvalidValue
from pipelines.emphasis import plain, spans
from pipelines.plans import Painting
from tests.pipelines.recipes import paint, recipe


def read(text: str) -> list[tuple[str, float]]:
    return [(span.text, round(span.weight, 4)) for span in spans(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a red ball", [("a red ball", 1)]),
        ("a (red:1.3) ball", [("a ", 1), ("red", 1.3), (" ball", 1)]),
        ("a (red) ball", [("a ", 1), ("red", 1.1), (" ball", 1)]),
        ("((red))", [("red", 1.21)]),
        ("(a (red:2) ball:0.5)", [("a ", 0.5), ("red", 1.0), (" ball", 0.5)]),
        (r"a \(red:1.3\) ball", [("a (red:1.3) ball", 1)]),
        ("a (red", [("a (red", 1)]),
        ("a red) ball", [("a red) ball", 1)]),
        ("(red: .5 )", [("red", 0.5)]),
        ("()", [("", 1)]),
        ("", [("", 1)]),
    ],
)
def test_brackets_weigh_what_stands_in_them(text, found):
    assert read(text) == found


def test_a_weight_beyond_ten_is_refused():
    with pytest.raises(InvalidValue, match="10 is the most"):
        spans("(red:30)")


def test_what_is_read_has_no_brackets():
    assert plain(r"a ((red:1.3) ball) \(toy\)") == "a red ball (toy)"


def painted(model, prompt, **more):
    return paint(model, Painting(recipe=recipe(prompt=prompt, **more), seed=3, width=64, height=64))


def test_a_weight_of_one_is_the_plain_prompt_to_the_bit_and_others_are_not(toy4):
    usual = painted(toy4, "a red ball")
    np.testing.assert_array_equal(usual, painted(toy4, "a (red:1.0) ball"))
    assert (usual != painted(toy4, "a (red:1.5) ball")).any()
    assert (painted(toy4, "a (red:1.5) ball") != painted(toy4, "a red (ball:1.5)")).any()


def test_weights_hold_in_negative_and_in_long_prompts(toy4):
    words = "\n".join(f"thing {i}" for i in range(20))
    assert (painted(toy4, words) != painted(toy4, words.replace("thing 19", "(thing 19:1.6)"))).any()
    one, other = (painted(toy4, "a", negative_prompt=text) for text in ("blue", "(blue:1.6)"))
    assert (one != other).any()


def test_very_many_brackets_take_no_time_and_too_deep_ones_are_refused():
    assert plain("(" * 100_000) == "(" * 100_000
    with pytest.raises(InvalidValue, match="64 deep"):
        spans("(a" * 100 + ":1)" * 100)


def test_a_weight_is_blamed_on_its_own_field():
    with pytest.raises(InvalidValue) as told:
        spans("(a:20)", "negative_prompt")
    assert told.value.field == "negative_prompt"
