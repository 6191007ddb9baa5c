"""How many requests share a pass is found by timing them."""

import pytest

from pipelines.pace import LOOKS, MOST, Pace


def found(pace: Pace, seconds: dict[int, float], passes: int = 200) -> list[int]:
    """The limits in order of appearance, where a pass of so many takes so long and as many as may be always share."""
    limits: list[int] = []
    for _ in range(passes):
        size = pace.limit("kind")
        limits += [] if limits[-1:] == [size] else [size]
        pace.took("kind", size, seconds[min(size, max(seconds))])
    return limits


@pytest.mark.parametrize(
    ("seconds", "ends_at"),
    [
        ({1: 1.0, 2: 2.0}, 1),  # a device that one request fills
        ({1: 1.0, 2: 1.2, 3: 1.5, 4: 2.5}, 3),
        ({1: 1.0, 2: 1.98}, 1),  # a hundredth is not worth it
    ],
)
def test_it_grows_one_by_one_while_that_pays_and_stays_there(seconds, ends_at):
    limits = found(Pace(), seconds)
    assert limits[:2] == [1, 2]
    assert (limits[-1], max(limits)) == (ends_at, ends_at + 1)


def test_the_first_pass_of_a_size_does_not_count():
    pace = Pace()
    pace.took("kind", 1, 1.0)
    for size, first in ((1, 1.0), (2, 60.0)):
        pace.took("kind", size, first)
        for _ in range(LOOKS):
            pace.took("kind", size, 1.0)
    assert pace.limit("kind") == 3


def test_where_all_sizes_pay_there_is_an_end_to_it():
    assert found(Pace(), {1: 1.0}, 1000)[-1] == MOST


def test_each_kind_is_judged_by_itself_and_a_number_that_is_told_holds():
    pace = Pace()
    found(pace, {1: 1.0})
    assert pace.limit("other") == 1
    assert found(Pace(4), {1: 1.0, 2: 9.0}) == [4]


def test_fewer_share_where_memory_ran_out_until_it_may_be_free_again():
    pace = Pace(4)
    pace.keep_below("kind", 3)
    assert (pace.limit("kind"), pace.limit("other")) == (2, 4)
    pace.keep_below("kind", 1)
    assert pace.limit("kind") == 1
    pace.forget()
    assert pace.limit("kind") == 4
