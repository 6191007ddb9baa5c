"""The starter's words: a small byte-level CLIP tokenizer and a CLIPTextModel, taught what captions mean.

The denoiser goes on training the text model; here it learns first, in two minutes, to tell from a caption which
colour each thing has and where it stands, so that the denoiser starts with words that mean something.
"""

import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training import captions
from training.objects import COLOURS, OBJECTS
from training.places import PLACES
from training.run import Course, device, train
from training.scenes import Scene, draw

LENGTH = 77
WIDTH = 128
SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def make_tokenizer(folder: Path, *, vocabulary: int = 1500) -> CLIPTokenizer:
    """Learn byte-pair merges from captions and write a CLIP tokenizer to `folder`."""
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    rng = np.random.default_rng(5)
    texts = [captions.of_scene(rng, draw(rng)) for _ in range(20_000)]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, end_of_word_suffix="</w>", min_frequency=20, show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    merges = json.loads(learner.to_str())["model"]["merges"]
    merges = [" ".join(m) if isinstance(m, list) else m for m in merges]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = alphabet + [letter + "</w>" for letter in alphabet]
    tokens += list(dict.fromkeys(merge.replace(" ", "") for merge in merges))
    tokens = [*list(dict.fromkeys(tokens)), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "CLIPTokenizer",
                "model_max_length": LENGTH,
                "bos_token": "<|startoftext|>",
                "eos_token": "<|endoftext|>",
                "unk_token": "<|endoftext|>",
                "pad_token": "<|endoftext|>",
            }
        ),
        encoding="utf-8",
    )
    return CLIPTokenizer.from_pretrained(folder)


def build(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            projection_dim=WIDTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def encode(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    """Token ids, texts × 77."""
    asked = tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
    return asked.input_ids


def hidden(model: CLIPTextModel, ids: Tensor, skip: int) -> Tensor:
    """texts × 77 × 128: the last layer's output, or the one `skip` before it, after the final layer norm."""
    out = model(ids, output_hidden_states=True)
    return _final_norm(model)(out.hidden_states[-1 - skip])


def _final_norm(model: CLIPTextModel) -> nn.Module:
    return getattr(model, "text_model", model).final_layer_norm


class _Reader(nn.Module):
    """Reads off the encoded caption, by attention, the colours of each kind of thing and the place."""

    def __init__(self, model: CLIPTextModel) -> None:
        super().__init__()
        self.model = model
        self.questions = nn.Parameter(torch.randn(1, len(OBJECTS) + 1, WIDTH) * 0.1)
        self.look = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.colours = nn.Linear(WIDTH, len(COLOURS))
        self.place = nn.Linear(WIDTH, len(PLACES))

    def forward(self, ids: Tensor, skip: int) -> tuple[Tensor, Tensor]:
        encoded = hidden(self.model, ids, skip)
        seen, _ = self.look(self.questions.expand(len(ids), -1, -1), encoded, encoded, need_weights=False)
        return self.colours(seen[:, :-1]), self.place(seen[:, -1])


def _truth(scene: Scene) -> tuple[Tensor, int]:
    there = torch.zeros(len(OBJECTS), len(COLOURS))
    for thing in scene.things:
        there[list(OBJECTS).index(thing.kind), list(COLOURS).index(thing.colour)] = 1
    return there, list(PLACES).index(scene.place)


def run(folder: Path, *, steps: int = 700) -> None:
    """Leave `folder/tokenizer` and `folder/text_encoder`."""
    torch.manual_seed(0)
    where = device()
    tokenizer = make_tokenizer(folder / "tokenizer")
    print("vocabulary:", len(tokenizer), tokenizer.tokenize("A beautiful red mushroom on a meadow, artstation xqz"))
    reader = _Reader(build(tokenizer)).to(where)

    def loss_of(step: int) -> Tensor:
        rng = np.random.default_rng(20_000 + step)
        scenes = [draw(rng) for _ in range(64)]
        ids = encode(tokenizer, [captions.of_scene(rng, scene) for scene in scenes]).to(where)
        truths = [_truth(scene) for scene in scenes]
        colours, place = reader(ids, step % 2)
        loss = nn.functional.binary_cross_entropy_with_logits(colours, torch.stack([t for t, _ in truths]).to(where))
        return 10 * loss + nn.functional.cross_entropy(place, torch.tensor([p for _, p in truths]).to(where))

    train(Course(folder=folder, steps=steps, learning_rate=2e-3, device=where), reader, loss_of)
    reader.model.save_pretrained(folder / "text_encoder")
