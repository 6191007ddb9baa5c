"""Toy GroundingDINOs of both kinds: real classes with random weights, written as their own tools write them."""

from pathlib import Path

from tests.toy_segmenters import stir

WORDS = ("a", "the", "red", "blue", "cat", "car", "ball", "cup", "face", "dog", "shirt", "ea", "##r", "##s")
FIXED = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]", 1010: ",", 1012: ".", 1029: "?"}
"""Where BERT's own vocabulary has them; transformers' GroundingDINO counts on the separators."""


def vocabulary(file: Path) -> Path:
    """A BERT vocabulary of few words."""
    tokens = {i: f"[unused{i}]" for i in range(1100)} | FIXED
    tokens |= {200 + i: word for i, word in enumerate(WORDS)}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(tokens[i] for i in range(1100)) + "\n", encoding="utf-8")
    return file


def bert():
    """The sizes of a tiny BERT: one head, for heads are 64 wide."""
    from transformers import BertConfig

    return BertConfig(
        vocab_size=1100,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=64,
        max_position_embeddings=256,
    )


def grounding_dino(folder: Path, *, seed: int = 0) -> Path:
    """A GroundingDinoForObjectDetection with its processor, in transformers' format."""
    import torch
    import transformers

    swin = transformers.SwinConfig(
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        image_size=96,
        out_features=["stage2", "stage3", "stage4"],
    )
    config = transformers.GroundingDinoConfig(
        backbone_config=swin,
        text_config=bert(),
        d_model=32,
        num_queries=20,
        encoder_layers=2,
        decoder_layers=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.GroundingDinoForObjectDetection(config)
        stir(model)
    model.save_pretrained(folder)
    tokenizer = transformers.BertTokenizer(vocab=str(vocabulary(folder / "vocab.txt")), do_lower_case=True)
    seen = transformers.GroundingDinoImageProcessor(size={"shortest_edge": 96, "longest_edge": 160})
    transformers.GroundingDinoProcessor(image_processor=seen, tokenizer=tokenizer).save_pretrained(folder)
    return folder


def original_grounding_dino(file: Path, *, seed: int = 1) -> Path:
    """A checkpoint in groundingdino-py's own layout: its Swin-T as it is, all else tiny. 110 MiB."""
    import torch

    from masking.detectors.grounding_dino_original import _build

    names = vocabulary(file.parent / "bert-base-uncased" / "vocab.txt")
    sizes = {
        "bert.embeddings.word_embeddings.weight": (1100, 64),
        "bert.embeddings.position_embeddings.weight": (256, 64),
        "bert.encoder.layer.1.": (1,),
        "bert.encoder.layer.0.intermediate.dense.weight": (64, 64),
        "feat_map.weight": (256, 64),
        "backbone.0.patch_embed.proj.weight": (96, 3, 4, 4),
        "transformer.encoder.layers.1.": (1,),
        "transformer.encoder.layers.0.linear1.weight": (64, 256),
        "transformer.decoder.layers.1.": (1,),
        "transformer.tgt_embed.weight": (30, 256),
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = _build({name: torch.empty(size, device="meta") for name, size in sizes.items()}, names)
        stir(model)
        model.transformer.decoder.norm.weight.data *= 0.2  # or all scores would be 0 or 1
    torch.save({"model": {f"module.{name}": value for name, value in model.state_dict().items()}}, file)
    return file
