"""A pass through a UNet: how its layers lie, and what hangs on them while it computes."""

from typing import TYPE_CHECKING, Any

from configs.settings import Settings
from pipelines import compiling, eight_bits, inpaint_engine, layout, patched_reading, projections, row_buckets

if TYPE_CHECKING:
    from torch import Tensor


class UnetPass:
    """Computes the rows of a pass. unet: diffusers', made for `device`. forms: what compiles it, if anything does."""

    def __init__(self, unet: Any, device: str, settings: Settings) -> None:
        self._unet = layout.arrange(unet, device)
        if device in layout.ON:
            projections.join(unet)
        if settings.fp8:
            eight_bits.narrow(unet, device)
        self.forms = compiling.forms(unet, device, settings)

    def take_apart(self) -> None:
        """Have the UNet's layers be those of its checkpoint again, because something is to hang on them."""
        if projections.part(self._unet) and self.forms:
            self.forms.renew(self._unet)

    def __call__(
        self,
        latents: "Tensor",
        timesteps: "Tensor",
        words: "Tensor",
        told: "dict[str, Tensor] | None",
        added: "Tensor | None",
        *,
        patch: Any,
        changed: bool,
        lean: bool,
    ) -> "Tensor":
        """The UNet's output for all rows at once, or, where it is lean, one by one.

        added, patch: by the head of an inpaint engine, and that itself. changed: whether anything else (LoRAs, FreeU)
        makes it another UNet than the checkpoint's.
        """
        import torch

        if self.forms and patch is None and not changed and not lean:
            asked = {"sample": latents, "timestep": timesteps.float(), "encoder_hidden_states": words}
            asked |= {"added_cond_kwargs": told} if told else {}
            if (answer := self.forms.answer(row_buckets.filled(asked, len(latents)))) is not None:
                return answer[: len(latents)]
        elif self.forms:
            self.forms.compiled = False
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
