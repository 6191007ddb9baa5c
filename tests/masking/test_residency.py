from threading import Barrier, Thread

import pytest

from masking.residency import Residency


def test_a_model_is_loaded_once_and_kept():
    residency, loads = Residency(), list[int]()
    for _ in range(3):
        residency.get("red", lambda: loads.append(1))
    assert (loads, residency.loaded()) == ([1], ("red",))
    assert residency.get("blue", lambda: "model") == "model"


def test_a_model_that_fails_to_load_is_not_kept():
    residency = Residency()
    with pytest.raises(ZeroDivisionError):
        residency.get("red", lambda: 1 // 0)
    assert residency.loaded() == ()


def test_a_dropped_model_is_loaded_anew():
    residency = Residency()
    residency.get("red", lambda: 1)
    residency.drop("red")
    residency.drop("never there")
    assert residency.get("red", lambda: 2) == 2


def test_two_threads_that_want_the_same_model_load_it_once():
    residency, loads, start = Residency(), list[int](), Barrier(2)

    def want() -> None:
        start.wait()
        residency.get("red", lambda: loads.append(1))

    threads = [Thread(target=want) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]
