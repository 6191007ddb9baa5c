"""How pictures become the latents that models of flow matching paint in, and back; one class per kind of VAE."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Generator, Tensor


class KlSpace:
    """diffusers' AutoencoderKL, with its scale and shift: Stable Diffusion 3, FLUX.1, Z-Image."""

    def __init__(self, vae: Any) -> None:
        self.vae = vae
        self.cell = 2 ** (len(vae.config.block_out_channels) - 1)
        self.channels: int = vae.config.latent_channels

    def encode(self, picture: "Tensor", generator: "Generator | None") -> "Tensor":
        """1 × channels × rows × columns of a picture, 1 × 3 × height × width in [-1, 1]; the mean without generator."""
        posterior = self.vae.encode(picture).latent_dist
        latents: Tensor = posterior.mean if generator is None else posterior.sample(generator)
        return (latents - (self.vae.config.shift_factor or 0.0)) * self.vae.config.scaling_factor

    def decode(self, latents: "Tensor") -> "Tensor":
        """1 × 3 × height × width, about [-1, 1]."""
        plain = latents / self.vae.config.scaling_factor + (self.vae.config.shift_factor or 0.0)
        values: Tensor = self.vae.decode(plain, return_dict=False)[0]
        return values


class QwenSpace:
    """diffusers' AutoencoderKLQwenImage, for which a picture is a video of one frame."""

    def __init__(self, vae: Any) -> None:
        self.vae = vae
        self.cell = 2 ** len(vae.temperal_downsample)
        self.channels: int = vae.config.z_dim

    def _spread(self, like: "Tensor") -> "tuple[Tensor, Tensor]":
        """Mean of the latents, and one over their spread; 1 × channels × 1 × 1 × 1."""
        import torch

        mean, spread = (
            torch.tensor(values).view(1, -1, 1, 1, 1).to(like.device, like.dtype)
            for values in (self.vae.config.latents_mean, self.vae.config.latents_std)
        )
        return mean, 1.0 / spread

    def encode(self, picture: "Tensor", generator: "Generator | None") -> "Tensor":
        """1 × channels × rows × columns of a picture, 1 × 3 × height × width in [-1, 1]; the mean without generator."""
        posterior = self.vae.encode(picture.unsqueeze(2)).latent_dist
        latents: Tensor = posterior.mean if generator is None else posterior.sample(generator)
        mean, narrowed = self._spread(latents)
        return ((latents - mean) * narrowed).squeeze(2)

    def decode(self, latents: "Tensor") -> "Tensor":
        """1 × 3 × height × width, about [-1, 1]."""
        mean, narrowed = self._spread(latents)
        values: Tensor = self.vae.decode(latents.unsqueeze(2) / narrowed + mean, return_dict=False)[0][:, :, 0]
        return values


class Flux2Space:
    """diffusers' AutoencoderKLFlux2: its 2 × 2 latents are one cell, evened out by a batch norm's statistics."""

    def __init__(self, vae: Any) -> None:
        self.vae = vae
        self.cell = 2 ** len(vae.config.block_out_channels)
        self.channels: int = 4 * vae.config.latent_channels

    def _spread(self, like: "Tensor") -> "tuple[Tensor, Tensor]":
        """Mean of the latents and their spread; 1 × channels × 1 × 1."""
        import torch

        norm = self.vae.bn
        spread = torch.sqrt(norm.running_var.view(1, -1, 1, 1) + self.vae.config.batch_norm_eps)
        return norm.running_mean.view(1, -1, 1, 1).to(like), spread.to(like)

    def encode(self, picture: "Tensor", generator: "Generator | None") -> "Tensor":
        """1 × channels × rows × columns of a picture, 1 × 3 × height × width in [-1, 1]; nothing is drawn."""
        latents: Tensor = self.vae.encode(picture).latent_dist.mode()
        channels, rows, columns = latents.shape[1:]
        cells = latents.view(1, channels, rows // 2, 2, columns // 2, 2).permute(0, 1, 3, 5, 2, 4)
        mean, spread = self._spread(latents)
        return (cells.reshape(1, 4 * channels, rows // 2, columns // 2) - mean) / spread

    def decode(self, latents: "Tensor") -> "Tensor":
        """1 × 3 × height × width, about [-1, 1]."""
        mean, spread = self._spread(latents)
        rows, columns = latents.shape[2:]
        cells = (latents * spread + mean).reshape(1, self.channels // 4, 2, 2, rows, columns)
        plain = cells.permute(0, 1, 4, 2, 5, 3).reshape(1, self.channels // 4, 2 * rows, 2 * columns)
        values: Tensor = self.vae.decode(plain, return_dict=False)[0]
        return values
