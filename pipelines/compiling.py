"""Passes that torch compiles in a thread of its own while the model paints as ever, for inputs of sizes that recur.

What is compiled is a twin: other modules with the same parameters. So it follows the weights wherever they are moved,
and feels nothing of what hangs on the model's own layers, LoRAs, offloading or a patch, with which passes are not
compiled. Each size is compiled ahead of time for itself (`aot_compile`): nothing is ever compiled while somebody waits,
and torch's limit of recompilations, after which it gives up without a word, is never met.
"""

import copy
import logging
import os
import sys
import tempfile
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.settings import Settings
from masking.machine import is_out_of_memory
from pipelines import layout

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

BACKEND = "inductor"
MODES = {"default": "default", "max-autotune": "max-autotune-no-cudagraphs"}
"""torch's modes by the values of --compile. CUDA graphs belong to the thread that recorded them, so there are none."""

DEVICES = ("cpu", "cuda")
WANTED = 2
"""So many passes of a size there must have been before it is compiled."""

MOST = 64
"""So many sizes are compiled of a model, each for good; more stay eager, so that memory does."""

NEAR = 0.05
"""So much of their length may a compiled answer differ from the eager one; rounding is a hundredth of it."""

IN_PARTS = "its weights lie on the device in parts (--vram)"
CACHE = "TORCHINDUCTOR_CACHE_DIR"

Asked = Mapping[str, Any]
"""What a model is asked: tensors, or mappings of them, or what is no tensor, by the names of its arguments."""

_one_at_a_time = threading.Lock()


def keep_on_disk() -> None:
    """Have torch keep what it compiles where the next start finds it, unless the environment names a place."""
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        root = "~/Library/Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME", "") or "~/.cache"
    place = Path(root or tempfile.gettempdir()).expanduser() / "gesso" / "compiled"
    os.environ.setdefault(CACHE, str(place))


def forms(model: Any, device: str, settings: Settings) -> "Forms | None":
    """What compiles a model's passes, None where that is not wanted."""
    if settings.compile == "off":
        return None
    keep_on_disk()
    made = Forms(model, device, MODES[settings.compile])
    if device not in DEVICES:
        made.give_up(f"torch compiles nothing for {device}")
    elif getattr(model, "hf_quantizer", None):
        made.give_up("its weights are packed (GGUF), and unpacked in each pass")
    return made


class Forms:
    """The compiled forms of one model's forward pass, by what they are asked.

    compiled: whether the last pass was. Used from one thread, beside its own.
    """

    def __init__(self, model: Any, device: str, mode: str) -> None:
        import torch

        self.compiled = False
        self._device, self._mode, self._threads = device, mode, torch.get_num_threads()
        self._ready: dict[object, Callable[[Asked], Tensor]] = {}
        self._wanted: Counter[object] = Counter()
        self._waiting: deque[object] = deque()
        self._told, self._untold = set[str](), list[str]()
        self._off = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._twin = _twin(model)

    def renew(self, model: Any) -> None:
        """The model's layers have become others: what was compiled of them is forgotten."""
        self._waiting.clear()
        self._ready, self._wanted = {}, Counter()
        if hasattr(model, "_hf_hook") or hasattr(model, "_diffusers_hook"):
            self.give_up(IN_PARTS)
        else:
            self._twin = _twin(model)

    def give_up(self, why: str) -> None:
        """Compile nothing any more, and tell so once."""
        self._off = True
        self._tell(why)

    def untold(self) -> list[str]:
        """What is to be told since this was last asked."""
        told, self._untold = self._untold, []
        return told

    def answer(self, asked: Asked) -> "Tensor | None":
        """The first of the model's outputs; None where it has to be asked itself, for this has no such form yet."""
        self.compiled = False
        if self._off or not self._is_here():
            return None
        size = _size(asked)
        form = self._ready.get(size)
        if form is None:
            self._want(size)
            return None
        try:
            answer = form(_laid_out(asked))
        except Exception as problem:  # whatever it is, the model itself can do it
            if is_out_of_memory(problem):
                raise
            self.give_up(f"what torch had compiled failed: {_line(problem)}")
            return None
        self.compiled = True
        return answer

    @property
    def ready(self) -> int:
        """How many sizes are compiled."""
        return len(self._ready)

    def settle(self) -> None:
        """Wait until nothing is being compiled."""
        while (thread := self._thread) and thread.is_alive():
            thread.join()

    def _is_here(self) -> bool:
        """Whether the weights are where the model computes; tells it where they come in parts."""
        here = bool(next(self._twin().parameters()).device.type == self._device)
        if not here:
            self._tell(IN_PARTS)
        return here

    def _tell(self, why: str) -> None:
        if why not in self._told:
            self._told.add(why)
            self._untold.append(f"--compile did nothing for this checkpoint: {why}.")
            log.warning("Passes are not compiled: %s.", why)

    def _want(self, size: object) -> None:
        self._wanted[size] += 1
        if self._wanted[size] != WANTED:
            return
        with self._lock:
            if len(self._ready) + len(self._waiting) >= MOST:
                log.info("%d sizes are compiled; others stay eager.", MOST)
                return
            self._waiting.append(size)
            if self._thread is None or not self._thread.is_alive():
                me = weakref.ref(self)  # so that a model that is let go of is not held until all is compiled
                self._thread = threading.Thread(target=_work, args=(me,), name="gesso-compiling", daemon=True)
                self._thread.start()

    def compile_next(self) -> bool:
        """In the thread of its own: compile what has waited longest; whether there was anything."""
        with self._lock:
            if not self._waiting or self._off:
                self._thread = None
                return False
            size, twin = self._waiting.popleft(), self._twin
        begun = time.perf_counter()
        try:
            form = _compiled(twin(), size, self._device, self._mode, self._threads)
        except Exception as problem:  # eager passes go on, and people are told
            self._failed(size, problem)
            return True
        if twin is self._twin:
            self._ready[size] = form
            log.info("A pass was compiled in %.0f s: %s", time.perf_counter() - begun, size)
        return True

    def _failed(self, size: object, problem: Exception) -> None:
        if not self._is_here():
            del self._wanted[size]  # moved away meanwhile; once it is back it may be wanted again
        elif is_out_of_memory(problem):
            log.warning("Memory is too short to compile: %s", size)
        else:
            self.give_up(f"torch could not compile it: {_line(problem)}")


def _work(forms: "weakref.ref[Forms]") -> None:
    while (alive := forms()) and alive.compile_next():
        del alive


def _twin(model: Any) -> Callable[[], Any]:
    """Other modules with the model's own parameters and buffers; behind a function, for it weighs nothing."""
    own = [held for module in model.modules() for held in (module._parameters, module._buffers)]
    twin = copy.deepcopy(model, {id(held): held for held in own})
    return lambda: twin


def _compiled(twin: Any, size: Any, device: str, mode: str, threads: int) -> "Callable[[Asked], Tensor]":
    """The pass for inputs of a size, tried beside the eager one. Raises whatever goes wrong."""
    import torch

    def whole(**asked: Any) -> Any:
        return twin(**asked, return_dict=False)[0]

    # Guards would tell whether the form still fits; it is found by its size, and the twin's layers never change.
    told = {"guard_filter_fn": torch.compiler.skip_all_guards_unsafe}
    if BACKEND == "inductor":
        told |= torch._inductor.list_mode_options(mode)
    torch.set_num_threads(threads)  # a thread has its own number of them, and what is compiled keeps it
    with _one_at_a_time, torch.inference_mode(), layout.attending(device):
        example = _example(size, device)
        made = torch.compile(whole, backend=BACKEND, fullgraph=True, dynamic=False, options=told)
        form = made.aot_compile(((), example))
        expected = whole(**example).float()
        apart = (form(**example).float() - expected).norm() / expected.norm()
    if not float(apart) <= NEAR:
        raise ArithmeticError(f"its answer is {float(apart):.0%} off")
    return lambda asked: form(**asked)


def _laid_out(asked: Any) -> Any:
    """The same, with every tensor's numbers one after the other, as what was compiled expects them."""
    import torch

    if isinstance(asked, Mapping):
        return {name: _laid_out(value) for name, value in asked.items()}
    return asked.clone(memory_format=torch.contiguous_format) if isinstance(asked, torch.Tensor) else asked


def _size(asked: Any) -> object:
    """Shapes and types of all tensors, and what is no tensor."""
    if isinstance(asked, Mapping):
        return tuple((name, _size(value)) for name, value in asked.items())
    return (tuple(asked.shape), asked.dtype) if hasattr(asked, "shape") else asked


def _example(size: Any, device: str) -> Any:
    """Noise of a size that `_size` has told."""
    import torch

    if isinstance(size, tuple) and len(size) == 2 and isinstance(size[1], torch.dtype):
        shape, number = size
        return (
            torch.randn(shape, device=device).to(number)
            if number.is_floating_point
            else torch.zeros(shape, device=device, dtype=number)
        )
    if isinstance(size, tuple):
        return {name: _example(value, device) for name, value in size}
    return size


def _line(problem: Exception) -> str:
    """The first line of what went wrong."""
    return f"{type(problem).__name__}: {str(problem).strip().splitlines()[0] if str(problem).strip() else ''}"[:300]
