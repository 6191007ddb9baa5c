"""A pass through a UNet: how its layers lie, and what hangs on them while it computes."""

from typing import TYPE_CHECKING, Any

from pipelines import inpaint_engine, layout, patched_reading, projections

if TYPE_CHECKING:
    from torch import Tensor


class UnetPass:
    """Computes the rows of a pass. unet: diffusers', made for `device`."""

    def __init__(self, unet: Any, device: str) -> None:
        self._unet = layout.arrange(unet, device)
        if device in layout.ON:
            projections.join(unet)

    def take_apart(self) -> None:
        """Have the UNet's layers be those of its checkpoint again, because something is to hang on them."""
        projections.part(self._unet)

    def __call__(
        self,
        latents: "Tensor",
        timesteps: "Tensor",
        words: "Tensor",
        told: "dict[str, Tensor] | None",
        added: "Tensor | None",
        *,
        patch: Any,
        lean: bool,
    ) -> "Tensor":
        """The UNet's output for all rows at once, or, where it is lean, one by one.

        added, patch: by the head of an inpaint engine, and that itself.
        """
        import torch

        size = 1 if lean else len(latents)
        outputs = []
        for first in range(0, len(latents), size):
            part = slice(first, first + size)
            more = {name: values[part] for name, values in told.items()} if told else None
            asked = {"encoder_hidden_states": words[part], "added_cond_kwargs": more}
            beside = inpaint_engine.beside(self._unet.conv_in, None if added is None else added[part])
            with beside, patched_reading.worn(self._unet, patch):
                outputs.append(self._unet(latents[part], timesteps[part], **asked, return_dict=False)[0])
        return torch.cat(outputs) if len(outputs) > 1 else outputs[0]
