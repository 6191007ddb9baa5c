"""Models are loaded once, and leave when room is short: who was used least recently first."""

import os
from pathlib import Path
from threading import Barrier, Thread

import pytest
import torch

from masking.errors import InUse
from masking.machine import Machine, Room
from masking.placement import Placement, choose
from masking.residency import RESERVE, Residency
from masking.weighing import weigh

MIB = 2**20
RED, BLUE, GREEN = ("mask_model", "red"), ("mask_model", "blue"), ("upscaler", "green")


class Model:
    """So many MiB in two parts, the second a third of the first, hidden as real ones are."""

    def __init__(self, mib: int) -> None:
        self.inner = {"unet": torch.nn.Linear(mib * 1024 * 192 // 256, 256, bias=False)}
        self.others = [torch.nn.Linear(mib * 1024 * 64 // 256, 256, bias=False)]


class Fake(Machine):
    """A device (torch's "meta", which has no memory of its own) and a main memory of the sizes that a test needs."""

    def __init__(self, device: str, room: int, main: int = 10**6 * MIB) -> None:
        super().__init__(device)
        self.total, self.main_total, self.moves = room, main, list[str]()
        self.others = 0

    def room(self) -> Room:
        return Room(free=self.total - self.others + RESERVE, total=self.total)

    def main(self) -> Room:
        return Room(free=self.main_total + RESERVE, total=self.main_total)

    def move(self, module: torch.nn.Module, device: str) -> None:
        self.moves.append(device)
        module.to(device) if device == "meta" else module.to_empty(device=device)


def places(residency: Residency) -> dict[str, str]:
    return {one.name: one.place for one in residency.report()}


def test_a_model_is_loaded_once_and_kept():
    residency, loads = Residency(), list[int]()
    for _ in range(3):
        residency.get(RED, lambda: loads.append(1))
    assert (loads, residency.loaded()) == ([1], (RED,))
    assert residency.get(BLUE, lambda: "model") == "model"


def test_a_model_that_fails_to_load_is_not_kept():
    residency = Residency()
    with pytest.raises(ZeroDivisionError):
        residency.get(RED, lambda: 1 // 0)
    assert residency.loaded() == ()


def test_a_dropped_model_is_loaded_anew():
    residency = Residency()
    residency.get(RED, lambda: 1)
    assert residency.drop(RED)
    assert not residency.drop(BLUE)
    assert residency.get(RED, lambda: 2) == 2


def test_two_threads_that_want_the_same_model_load_it_once():
    residency, loads, start = Residency(), list[int](), Barrier(2)

    def want() -> None:
        start.wait()
        residency.get(RED, lambda: loads.append(1))

    threads = [Thread(target=want) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]


def test_what_a_model_weighs_is_measured_and_what_is_shared_counts_once():
    model = Model(4)
    assert weigh(model) == 4 * MIB
    assert weigh([model, model.inner, model.others[0].weight]) == 4 * MIB
    assert weigh({"name": "nothing", "words": ("a", 1)}) == 0


def test_without_a_device_of_its_own_memory_the_least_recently_used_goes_altogether():
    residency = Residency(Fake("cpu", 100 * MIB), limit="10MiB")
    for key in (RED, BLUE):
        residency.get(key, lambda: Model(4))
    residency.get(RED, lambda: Model(4))
    residency.get(GREEN, lambda: Model(4))
    assert residency.loaded() == (RED, GREEN)
    assert sum(one.on_device for one in residency.report()) == 8 * MIB


def test_a_device_with_its_own_memory_sends_the_least_recently_used_to_main_memory_and_back():
    machine = Fake("meta", 100 * MIB)
    residency = Residency(machine, limit="10MiB")
    first = residency.get(RED, lambda: Model(4), in_parts=True)
    residency.get(BLUE, lambda: Model(4), in_parts=True)
    residency.get(GREEN, lambda: Model(4), in_parts=True)
    assert places(residency) == {"green": "device", "blue": "device", "red": "main"}
    assert weigh(first, "cpu") == 4 * MIB
    assert residency.get(RED, lambda: Model(1)) is first
    assert places(residency) == {"red": "device", "green": "device", "blue": "main"}


def test_what_waits_in_main_memory_goes_altogether_when_that_is_short():
    machine = Fake("meta", 100 * MIB)
    residency = Residency(machine, limit="5MiB")
    for key in (RED, BLUE):
        residency.get(key, lambda: Model(4), in_parts=True)
    machine.main_total = 1
    residency.get(GREEN, lambda: Model(4), in_parts=True)
    assert places(residency) == {"green": "device", "blue": "main"}


def test_what_others_take_of_the_device_counts_too():
    machine = Fake("cpu", 100 * MIB)
    residency = Residency(machine)
    residency.get(RED, lambda: Model(4))
    machine.others = 101 * MIB
    residency.get(BLUE, lambda: Model(4))
    assert residency.loaded() == (BLUE,)


def test_what_is_in_use_stays_and_cannot_be_unloaded():
    residency = Residency(Fake("cpu", 100 * MIB), limit="5MiB")
    with residency.using(RED, lambda: Model(4)):
        residency.get(BLUE, lambda: Model(4))
        assert residency.loaded() == (RED, BLUE)
        with pytest.raises(InUse, match="red"):
            residency.drop(RED)
        assert [one.in_use for one in residency.report()] == [False, True]
    residency.get(GREEN, lambda: Model(4))
    assert residency.loaded() == (GREEN,)


def test_a_file_that_has_changed_is_loaded_anew_once_nobody_uses_the_old_one(tmp_path: Path):
    file = tmp_path / "model.bin"
    file.write_bytes(b"1")
    residency = Residency()

    def get() -> bytes:
        return residency.get(RED, file.read_bytes, file=file)

    with residency.using(RED, file.read_bytes, file=file):
        file.write_bytes(b"23")
        assert get() == b"1"
    assert get() == b"23"
    os.utime(file, ns=(1, 1))
    file.write_bytes(b"45")
    assert get() == b"45"
    file.unlink()
    assert get() == b"45"


@pytest.mark.parametrize(
    ("vram", "room", "expected"),
    [
        ("auto", 10, "whole"),
        ("auto", 9, "parts"),
        ("auto", 5, "layers"),
        ("high", 1, "whole"),
        ("normal", 100, "parts"),
        ("low", 100, "layers"),
    ],
)
def test_how_a_model_lies_is_chosen_by_what_there_is_room_for(vram, room, expected: Placement):
    assert choose(vram, [6, 3, 1], room) == expected


def test_a_model_that_is_too_large_lies_on_the_device_one_part_at_a_time():
    class Tiny(torch.nn.Linear):
        def decode(self, given: torch.Tensor) -> torch.Tensor:
            return self(given)

    machine = Fake("meta", 100 * MIB)
    residency = Residency(machine, vram="normal")
    model = residency.get(RED, lambda: {"encoder": Tiny(1, 1), "unet": Tiny(1, 1)}, in_parts=True)
    assert places(residency) == {"red": "parts"}
    for part in (model["encoder"], model["unet"], model["unet"]):
        assert part(torch.ones(1, 1)).device.type == "meta"
        assert [name for name, other in model.items() if other.weight.is_meta] == [
            name for name, other in model.items() if other is part
        ]
    residency.make_way()
    assert places(residency) == {"red": "main"}
    assert not hasattr(model["unet"], "_hf_hook")


def test_layer_by_layer_computes_what_the_whole_does():
    layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    given = torch.ones(1, 4)
    with torch.inference_mode():
        whole = layers(given)
        from masking.placement import place

        place([layers], "layers", Machine("cpu"))
        place([layers], "layers", Machine("cpu"))
        assert torch.equal(layers(given), whole)


def test_a_model_of_onnxruntime_whose_file_was_removed_disturbs_nobody(tmp_path: Path):
    import onnxruntime

    from tests.toy_masks import red_finder

    file = red_finder(tmp_path / "red.onnx")
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    assert weigh(session) == file.stat().st_size
    file.unlink()
    assert weigh(session) == 0
