"""The memory that models live in: the device's, and the main memory that they give way to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHORT = ("out of memory", "not enough memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""What torch says, among other words, where memory runs out: on CUDA and MPS, and on processors of three systems."""

CONTAINER = Path("/sys/fs/cgroup")
"""Where Linux tells what a container may take."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """Bytes of a memory: all there is, and what of it nobody has taken."""

    free: int
    total: int


class Machine:
    """One device, by torch's name, and the main memory. On "cpu" both are the same."""

    def __init__(self, device: str) -> None:
        self.device = device

    @property
    def has_own_memory(self) -> bool:
        """Whether what leaves the device can stay in the main memory."""
        return self.device != "cpu"

    def room(self) -> Room:
        """Of the device, as it says itself; what torch keeps there for later counts as free."""
        import torch

        if self.device == "cuda":
            free, total = torch.cuda.mem_get_info()
            return Room(free=free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated(), total=total)
        if self.device == "mps":
            total = torch.mps.recommended_max_memory()
            return Room(free=total - torch.mps.driver_allocated_memory(), total=total)
        return self.main()

    def taken(self) -> dict[str, float]:
        """Bytes that this process takes: of the main memory, and, where it can be told, of the device's own."""
        import psutil

        told = {"worker_memory": float(psutil.Process().memory_info().rss)}
        if self.device == "cuda":
            import torch

            told["device_memory"] = float(torch.cuda.memory_reserved())
        return told

    def wait(self) -> None:
        """Until the device has done what it was given."""
        import torch

        if self.device == "cuda":
            torch.cuda.synchronize()
        elif self.device == "mps":
            torch.mps.synchronize()

    def peak(self) -> int:
        """Bytes of the device that were taken at once for a while, since this was last asked; 0 where nobody counts."""
        import torch

        if self.device != "cuda":
            return 0
        peak: int = torch.cuda.max_memory_allocated() - torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return peak

    def main(self) -> Room:
        """Of the main memory; of what a container may take of it, where there is such a limit."""
        import psutil

        told = psutil.virtual_memory()
        room = Room(free=told.available, total=told.total)
        most, taken = _number("memory.max"), _number("memory.current")
        if most is None or taken is None or most >= room.total:
            return room
        return Room(free=min(room.free, max(0, most - taken + _read_files())), total=most)

    def move(self, module: Any, device: str) -> None:
        """Bring a torch module to a device."""
        module.to(device)

    def clear(self) -> None:
        """Give back what torch keeps of the device's memory for later."""
        import gc

        import torch

        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()
        elif self.device == "mps":
            torch.mps.empty_cache()


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether memory ran out, of the device or of the machine."""
    if isinstance(problem, MemoryError) or type(problem).__name__ == "OutOfMemoryError":
        return True
    return isinstance(problem, RuntimeError) and any(words in str(problem) for words in SHORT)


def _number(name: str) -> int | None:
    try:
        return int((CONTAINER / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _read_files() -> int:
    """Bytes of the container's memory that only keep files which were read, and are given up for anything else."""
    try:
        told = dict(line.split() for line in (CONTAINER / "memory.stat").read_text(encoding="ascii").splitlines())
        return int(told.get("inactive_file", 0))
    except (OSError, ValueError):
        return 0
