"""The other way round from `pack`: lay `models/starter/` out as runs, so that it can be trained further."""

from pathlib import Path

from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer, GroundingDinoForObjectDetection

from configs.models import STARTER


def run(folder: Path, *, steps: int = 0) -> None:
    """Into the runs beside `folder`, in single precision; `steps` has no meaning here."""
    runs, checkpoint = folder.parent, STARTER / "checkpoints" / "gesso-starter"
    AutoencoderKL.from_pretrained(checkpoint / "vae").float().save_pretrained(runs / "halves" / "vae")
    CLIPTokenizer.from_pretrained(checkpoint / "tokenizer").save_pretrained(runs / "words" / "tokenizer")
    CLIPTextModel.from_pretrained(checkpoint / "text_encoder").float().save_pretrained(runs / "words" / "text_encoder")
    UNet2DConditionModel.from_pretrained(checkpoint / "unet").float().save_pretrained(runs / "denoiser" / "unet")
    detector = GroundingDinoForObjectDetection.from_pretrained(STARTER / "grounding_dino" / "gesso-dino")
    detector.float().save_pretrained(runs / "dino" / "model")
