"""The models that rembg runs: its own by their names, and any other ONNX file in a `rembg` folder by its stem."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from configs.settings import Settings
from masking.errors import BrokenModel
from masking.plans import MaskPlan
from masking.weights import known


class Rembg:
    def known(self) -> Sequence[str]:
        return known("rembg")

    def installed(self, folders: Sequence[Path]) -> dict[str, Path]:
        """Files whose names start with "." are none: they are on their way."""
        files = (file for folder in reversed(folders) for file in sorted((folder / "rembg").glob("*.onnx")))
        return {file.stem: file for file in files if file.is_file() and not file.name.startswith(".")}

    def load(self, name: str, file: Path, settings: Settings, device: str) -> "Session":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads
        state = onnxruntime.capi.onnxruntime_pybind11_state
        unreadable = (state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NoModel, state.Fail)
        session = _session_class(name, file)
        try:
            return Session(session(name, options, model_path=str(file), providers=_providers(device)))
        except (*unreadable, state.NotImplemented) as problem:
            told = f'Mask model "{name}" cannot be read from {file}: {problem}'
            raise BrokenModel(told, field="mask_model") from problem


@dataclass(frozen=True)
class Session:
    """One of rembg's sessions, kept."""

    inner: Any

    def mask(self, picture: Image.Image, plan: MaskPlan) -> Image.Image:
        # A custom session stretches what it sees to 0..255: a flat answer, nothing seen, divides 0 by 0.
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.inner.predict(picture, cloth_category=plan.cloth_category)[0].convert("L")


def _providers(device: str) -> list[str]:
    """onnxruntime's for a device of torch's, of those that are installed; the processor does what they cannot."""
    import onnxruntime

    best = {"cuda": ["CUDAExecutionProvider", "ROCMExecutionProvider"], "mps": ["CoreMLExecutionProvider"]}
    there = onnxruntime.get_available_providers()
    fast = [provider for provider in best.get(device.split(":")[0], []) if provider in there]
    return [*fast[:1], "CPUExecutionProvider"]


def _session_class(name: str, file: Path) -> type[Any]:
    """The session class of that name, or rembg's custom U²-Net one, bound to our file so that it never downloads.

    Sessions that send the picture elsewhere, or that want more files than one, are never taken by their name.
    """
    keep_threads()
    from rembg.sessions import sessions
    from rembg.sessions.u2net_custom import U2netCustomSession

    found = sessions.get(name)
    alone = found is not None and found.is_local() and name != "sam" and not name.endswith("_custom")
    base: Any = found if alone else U2netCustomSession
    return type(base.__name__, (base,), {"download_models": classmethod(lambda cls, *args, **kwargs: str(file))})


def keep_threads() -> None:
    """Call this before any import of rembg: its numba would set the process's, and so torch's, number of threads anew
    by its OpenMP layer; another one does not.
    """
    import numba

    numba.config.THREADING_LAYER = "workqueue"


library = Rembg()
