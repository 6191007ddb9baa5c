"""An autoencoder of larger cells is grown on one of smaller cells, and a denoiser learns on its latents."""

import shutil
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from training import decoder as decoding
from training import deepen, denoiser, halves, latents, layers, pack, vae, words


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What parts that nobody trained for long have left: the outer and the deep autoencoder, words, one shard."""
    folder = tmp_path_factory.mktemp("runs")
    torch.manual_seed(0)
    vae.build().save_pretrained(folder / "vae" / "vae")
    tokenizer = words.make_tokenizer(folder / "words" / "tokenizer", vocabulary=600)
    words.build(tokenizer).save_pretrained(folder / "words" / "text_encoder")
    words.run(folder / "words", steps=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deepen, "PICTURES", 8)
        deepen.run(folder / "deepen", steps=2)
        halves.run(folder / "halves", steps=1)
        patch.setattr(latents, "SHARD", 24)
        latents.run(folder / "latents", steps=1)
    return folder


def loaded(folder: Path) -> AutoencoderKL:
    return AutoencoderKL.from_pretrained(folder).eval()


def test_what_lies_outside_is_taken_over_and_stays(runs: Path) -> None:
    outer, deep = loaded(runs / "vae" / "vae"), loaded(runs / "deepen" / "vae")
    picture = deepen.example(3).picture[None]
    with torch.no_grad():
        assert torch.equal(deepen.outside(deep, picture), deepen.outside(outer, picture))
        mean, _ = deepen.inward(deep, deepen.outside(deep, picture))
        assert torch.equal(mean, deep.encode(picture).latent_dist.mean)
    assert mean.shape == (1, 16, 16, 16)
    assert torch.equal(outer.decoder.conv_out.weight, deep.decoder.conv_out.weight)


def test_both_halves_are_trained_on_and_what_lies_outside_stays(runs: Path) -> None:
    before, after = loaded(runs / "deepen" / "vae"), loaded(runs / "halves" / "vae")
    picture = deepen.example(5).picture[None]
    with torch.no_grad():
        assert torch.equal(deepen.outside(before, picture), deepen.outside(after, picture))
        latent = before.encode(picture).latent_dist.mean
        assert not torch.equal(latent, after.encode(picture).latent_dist.mean)
        assert not torch.equal(before.decode(latent).sample, after.decode(latent).sample)
    assert latents.deepest(runs) == runs / "halves" / "vae"


def test_a_sample_has_the_same_background_and_other_things_each_time(runs: Path) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(runs / "words" / "tokenizer")
    shards = denoiser.Shards(runs / "latents", tokenizer)
    shard = torch.load(runs / "latents" / "0000.pt", weights_only=True)
    assert set(shard["kinds"]) == {"whole", "hole", "border"}
    (ids, made, masked, masks, _), (others, changed, *_) = shards.batch(0), shards.batch(1)
    for each in (made, changed):
        assert (each[:, None, layers.BACKGROUND] == shard["background"].float()).flatten(2).all(2).any(1).all()
    assert ids.shape != others.shape or not torch.equal(ids, others)
    whole = masks.flatten(1).all(1)
    assert whole.any()
    assert not masked[whole][:, layers.FIELDS].any()


def test_the_decoder_is_trained_on_and_the_latents_stay(runs: Path) -> None:
    decoding.run(runs / "decoder", steps=2)
    before, after = loaded(runs / "halves" / "vae"), loaded(runs / "decoder" / "vae")
    picture = deepen.example(4).picture[None]
    with torch.no_grad():
        latent = before.encode(picture).latent_dist.mean
        assert torch.equal(latent, after.encode(picture).latent_dist.mean)
        assert not torch.equal(before.decode(latent).sample, after.decode(latent).sample)
    assert pack._autoencoder(runs) == runs / "decoder" / "vae"


def test_a_denoiser_learns_on_the_deep_latents(runs: Path) -> None:
    shard = torch.load(runs / "latents" / "0000.pt", weights_only=True)
    rows, columns = shard["background"].shape[2:]
    assert shard["masks"].shape == (24, 1, rows, columns)
    assert shard["masked"].shape == (24, 7, rows, columns)
    denoiser.run(runs / "denoiser", steps=1)
    unet = UNet2DConditionModel.from_pretrained(runs / "denoiser" / "unet")
    assert (unet.config.in_channels, unet.config.out_channels) == (33, 16)
    left = CLIPTextModel.from_pretrained(runs / "denoiser" / "text_encoder").state_dict()
    known = CLIPTextModel.from_pretrained(runs / "words" / "text_encoder").state_dict()
    assert all(torch.equal(left[name], known[name]) for name in known)


def test_a_denoiser_is_taught_where_in_a_caption_to_look(runs: Path) -> None:
    tokenizer, reader = words.load(runs / "words")
    unet = denoiser.build()
    tutor = denoiser.Tutor(unet)
    ids, latents, masked, masks, order = denoiser.Shards(runs / "latents", tokenizer).batch(0)
    encoded = words.hidden(reader.model, ids, 0)
    shown = torch.cat([torch.randn_like(latents), masks, masked], 1)
    optimizer = torch.optim.AdamW([*unet.parameters(), *tutor.parameters()], lr=2e-3)
    lost = []
    for _ in range(12):
        unet(shown, 990, encoded)
        loss = tutor.loss(latents, encoded, reader.looks(encoded), order)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        lost.append(float(loss.detach()))
    assert (order >= 0).any()
    assert lost[-1] < 0.8 * lost[0]
    assert unet.mid_block.attentions[0].transformer_blocks[0].attn2.to_q.weight.grad.any()


def test_looks_are_shares_of_a_caption(runs: Path) -> None:
    tokenizer, reader = words.load(runs / "words")
    looks = reader.looks(words.hidden(reader.model, words.encode(tokenizer, ["a red ball", "snow"]), 0))
    assert looks.shape == (2, words.MOST, 4, words.LENGTH)
    assert torch.allclose(looks.sum(-1), torch.ones(2, words.MOST, 4), atol=1e-5)


def test_words_that_were_learnt_are_learnt_further_with_the_same_tokens(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "words", tmp_path / "words", ignore=shutil.ignore_patterns("state.pt"))
    tokens = (tmp_path / "words" / "tokenizer" / "vocab.json").read_bytes()
    before = CLIPTextModel.from_pretrained(tmp_path / "words" / "text_encoder").state_dict()
    words.run(tmp_path / "words", steps=1)
    after = CLIPTextModel.from_pretrained(tmp_path / "words" / "text_encoder").state_dict()
    assert (tmp_path / "words" / "tokenizer" / "vocab.json").read_bytes() == tokens
    apart = max(float((after[name] - before[name]).abs().max()) for name in before)
    assert 0 < apart < 0.01
