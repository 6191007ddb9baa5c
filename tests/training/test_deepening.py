"""An autoencoder of larger cells is grown on one of smaller cells, and a denoiser learns on its latents."""

from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

from training import decoder as decoding
from training import deepen, denoiser, latents, pack, vae, words


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What parts that nobody trained for long have left: the outer and the deep autoencoder, words, one shard."""
    folder = tmp_path_factory.mktemp("runs")
    torch.manual_seed(0)
    vae.build().save_pretrained(folder / "vae" / "vae")
    tokenizer = words.make_tokenizer(folder / "words" / "tokenizer", vocabulary=600)
    words.build(tokenizer).save_pretrained(folder / "words" / "text_encoder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deepen, "PICTURES", 8)
        deepen.run(folder / "deepen", steps=2)
        patch.setattr(latents, "SHARD", 24)
        latents.run(folder / "latents", steps=1)
    return folder


def loaded(folder: Path) -> AutoencoderKL:
    return AutoencoderKL.from_pretrained(folder).eval()


def test_what_lies_outside_is_taken_over_and_stays(runs: Path) -> None:
    outer, deep = loaded(runs / "vae" / "vae"), loaded(runs / "deepen" / "vae")
    picture = deepen.example(3)[0][None]
    with torch.no_grad():
        assert torch.equal(deepen.outside(deep, picture), deepen.outside(outer, picture))
        mean, _ = deepen.inward(deep, deepen.outside(deep, picture))
        assert torch.equal(mean, deep.encode(picture).latent_dist.mean)
    assert mean.shape == (1, 8, 16, 16)
    assert torch.equal(outer.decoder.conv_out.weight, deep.decoder.conv_out.weight)


def test_the_decoder_is_trained_on_and_the_latents_stay(runs: Path) -> None:
    decoding.run(runs / "decoder", steps=1)
    before, after = loaded(runs / "deepen" / "vae"), loaded(runs / "decoder" / "vae")
    picture = deepen.example(4)[0][None]
    with torch.no_grad():
        latent = before.encode(picture).latent_dist.mean
        assert torch.equal(latent, after.encode(picture).latent_dist.mean)
        assert not torch.equal(before.decode(latent).sample, after.decode(latent).sample)
    assert pack._autoencoder(runs) == runs / "decoder" / "vae"


def test_a_denoiser_learns_on_the_deep_latents(runs: Path) -> None:
    shard = torch.load(runs / "latents" / "0000.pt", weights_only=True)
    rows, columns = shard["latents"].shape[2:]
    assert shard["masks"].shape == shard["seen"].shape == (24, 1, rows, columns)
    denoiser.run(runs / "denoiser", steps=1)
    unet = UNet2DConditionModel.from_pretrained(runs / "denoiser" / "unet")
    assert (unet.config.in_channels, unet.config.out_channels) == (17, 8)
    left = CLIPTextModel.from_pretrained(runs / "denoiser" / "text_encoder").state_dict()
    known = CLIPTextModel.from_pretrained(runs / "words" / "text_encoder").state_dict()
    assert all(torch.equal(left[name], known[name]) for name in known)
