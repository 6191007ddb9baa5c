"""The starter's words: a small byte-level CLIP tokenizer and a CLIPTextModel, taught what captions mean.

It learns, in minutes, to tell from a caption which colour each thing has, what stands first, second and third from the
left, and where all of it is, so that the denoiser finds words that mean something; and what learnt to read that off
them shows the denoiser where to look.
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
MOST = 3
COUNTS = (0.35, 0.5, 0.15)
"""How often a scene has one, two or MOST things."""

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


class Reader(nn.Module):
    """Reads off the encoded caption, by attention: the colours of each kind of thing, the place, and things in a row.

    A painter's attention asks the last: what stands here, counted from the left?
    """

    def __init__(self, model: CLIPTextModel) -> None:
        super().__init__()
        self.model = model
        self.questions = nn.Parameter(torch.randn(1, len(OBJECTS) + 1 + MOST, WIDTH) * 0.1)
        self.look = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.colours = nn.Linear(WIDTH, len(COLOURS))
        self.place = nn.Linear(WIDTH, len(PLACES))
        self.kind_here = nn.Linear(WIDTH, len(OBJECTS) + 1)
        self.colour_here = nn.Linear(WIDTH, len(COLOURS) + 1)

    def forward(self, ids: Tensor, skip: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """texts × kinds × colours, texts × places, texts × MOST × kinds or nothing, and the same of colours."""
        encoded = hidden(self.model, ids, skip)
        seen, _ = self.look(self.questions.expand(len(ids), -1, -1), encoded, encoded, need_weights=False)
        kinds, place, row = seen.split([len(OBJECTS), 1, MOST], 1)
        return self.colours(kinds), self.place(place[:, 0]), self.kind_here(row), self.colour_here(row)

    @torch.no_grad()
    def looks(self, encoded: Tensor) -> Tensor:
        """texts × MOST × heads × 77: where in the captions it looks for each of the things in a row; sums of 1."""
        questions = self.questions[:, -MOST:].expand(len(encoded), -1, -1)
        _, weights = self.look(questions, encoded, encoded, need_weights=True, average_attn_weights=False)
        return weights.transpose(1, 2)


def _truth(scene: Scene) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What `Reader` is to answer; of those that choose, the right answers' numbers, nothing being the last."""
    there = torch.zeros(len(OBJECTS), len(COLOURS))
    row = torch.tensor([[len(OBJECTS), len(COLOURS)]]).repeat(MOST, 1)
    for number, thing in enumerate(captions.left_to_right(scene)):
        kind, colour = list(OBJECTS).index(thing.kind), list(COLOURS).index(thing.colour)
        there[kind, colour] = 1
        row[number] = torch.tensor([kind, colour])
    return there, torch.tensor(list(PLACES).index(scene.place)), row[:, 0], row[:, 1]


def run(folder: Path, *, steps: int = 1300) -> None:
    """Leave `folder/tokenizer`, `folder/text_encoder` and `folder/reader.pt`, which the denoiser learns from.

    An untrained run goes on from what `training.unpack` or an earlier run left there.
    """
    torch.manual_seed(0)
    where = device()
    begun = (folder / "text_encoder").is_dir()
    tokens = folder / "tokenizer"
    tokenizer = CLIPTokenizer.from_pretrained(tokens) if begun else make_tokenizer(tokens)
    print("vocabulary:", len(tokenizer), tokenizer.tokenize("A beautiful red mushroom on a meadow, artstation xqz"))
    reader = Reader(CLIPTextModel.from_pretrained(folder / "text_encoder") if begun else build(tokenizer)).to(where)

    def loss_of(step: int) -> Tensor:
        rng = np.random.default_rng(20_000 + step)
        scenes = [draw(rng, count=int(rng.choice([1, 2, MOST], p=COUNTS))) for _ in range(64)]
        ids = encode(tokenizer, [captions.of_scene(rng, scene) for scene in scenes]).to(where)
        truths = [torch.stack(each).to(where) for each in zip(*(_truth(scene) for scene in scenes), strict=True)]
        answers = reader(ids, step % 2)
        loss = 10 * nn.functional.binary_cross_entropy_with_logits(answers[0], truths[0])
        for answer, truth in zip(answers[1:], truths[1:], strict=True):
            loss = loss + nn.functional.cross_entropy(answer.flatten(0, -2), truth.flatten())
        return loss

    rate = 5e-4 if begun else 2e-3
    train(Course(folder=folder, steps=steps, learning_rate=rate, device=where), reader, loss_of)
    reader.model.save_pretrained(folder / "text_encoder")
    torch.save(reader.state_dict(), folder / "reader.pt")


def load(folder: Path) -> tuple[CLIPTokenizer, Reader]:
    """What `run` has left, the reader frozen."""
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    reader = Reader(build(tokenizer))
    reader.load_state_dict(torch.load(folder / "reader.pt", weights_only=True))
    return tokenizer, reader.eval().requires_grad_(requires_grad=False)
