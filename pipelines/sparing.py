"""How a model paints with less memory than usual: slower and, where its VAE works in tiles, not quite alike."""

from collections.abc import Iterator
from contextlib import contextmanager

from masking.weighing import modules
from pipelines.families import Model

TOLD = (
    "Memory was short, so it was painted in a leaner way: other models away, one picture and one half of the "
    "guidance at a time, and the VAE in tiles, which large pictures may show a little."
)


@contextmanager
def leaner(model: Model) -> Iterator[None]:
    """Within the block, one row at a time goes through the model, and its VAE works in tiles."""
    vaes = [
        part for part in modules(model) if hasattr(part, "enable_tiling") and not getattr(part, "use_tiling", False)
    ]
    model.lean = True
    for vae in vaes:
        vae.enable_tiling()
    try:
        yield
    finally:
        model.lean = False
        for vae in vaes:
            vae.disable_tiling()
