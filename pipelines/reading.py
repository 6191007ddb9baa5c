"""What CLIP text encoders make of a prompt: long ones piece by piece, weighed words, any of their layers."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipelines import emphasis, inversions
from pipelines.families import Words
from pipelines.inversions import Inversions, Mention
from pipelines.plans import Recipe

if TYPE_CHECKING:
    from torch import Tensor


KEPT = 128
"""So many texts' encodings are kept for the next request, those used last."""

HOLDER = 0
"""A token that keeps a vector's place: any but the marks, by which encoders find a text's end."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """What is told of one text, one row each. pooled: of the whole text, where an encoder gives that. lost: unread."""

    hidden: "Tensor"
    pooled: "Tensor | None"
    lost: str


class Encoder:
    """One of diffusers' text encoders with its tokenizer. inversions: what `embedding:name` stands for."""

    def __init__(self, tokenizer: Any, text_encoder: Any, inversions: Inversions | None = None) -> None:
        self.tokenizer, self.text_encoder, self._inversions = tokenizer, text_encoder, inversions

    @property
    def room(self) -> int:
        """Tokens that are read at once, the marks at the beginning and the end among them."""
        room: int = self.tokenizer.model_max_length
        return room

    def tokens(self, text: str) -> list[int]:
        """All tokens of a text, with the marks; HOLDER for every vector of an embedding."""
        return self._read(text)[0]

    def _read(self, text: str) -> "tuple[list[int], dict[int, Tensor]]":
        """The tokens, and the vectors that stand in the place of some."""
        found: list[int] = []
        vectors: dict[int, Tensor] = {}
        pieces = list(inversions.split(text)) if self._inversions else [text]
        for piece in pieces:
            if isinstance(piece, str):
                # Asked without return_tensors and truncation, for the tokenizer warns of long texts otherwise.
                inner = self.tokenizer(piece, truncation=False, verbose=False).input_ids
                found += inner if len(pieces) == 1 else inner[1:-1]
            elif self._inversions:
                for vector in self._inversions.vectors(piece.name):
                    vectors[len(found) + 1] = vector
                    found.append(HOLDER)
        return (found, vectors) if len(pieces) == 1 else ([*self._marks(found)], vectors)

    def _marks(self, tokens: list[int]) -> list[int]:
        return [self.tokenizer.bos_token_id, *tokens, self.tokenizer.eos_token_id]

    def state(self, text: str) -> Hashable:
        """What its encoding depends on beside the text and the model."""
        pieces = inversions.split(text) if self._inversions else ()
        return tuple(
            self._inversions.state(each.name) for each in pieces if self._inversions and isinstance(each, Mention)
        )

    def encode(self, text: str, layer: int, *, normed: bool, device: str) -> Told:
        """layer: 1 is the last one. normed: whether its values go through the encoder's last norm."""
        import torch

        room, (every, vectors) = self.room, self._read(text)
        read = every if len(every) <= room else self._marks(every[1 : room - 1])
        padding = [self.tokenizer.pad_token_id] * (room - len(read))
        tokens = torch.tensor([[*read, *padding]], device=device)
        lost = self.tokenizer.decode(every[room - 1 : -1]) if len(every) > room else ""
        encoder = self.text_encoder
        heeds = getattr(encoder.config, "use_attention_mask", False)
        attended = torch.tensor([[1] * len(read) + [0] * len(padding)], device=device) if heeds else None
        inner = layer > 1 or not normed
        with _standing(encoder, {place: vector for place, vector in vectors.items() if place < room - 1}):
            told = encoder(tokens, attention_mask=attended, output_hidden_states=inner)
        pooled = told[0] if told[0].ndim == 2 else None
        if not inner:
            return Told(hidden=told[0], pooled=pooled, lost=lost)
        hidden = told.hidden_states[-layer]
        if normed:
            # transformers 5 has the last norm on the model itself, older ones on its text_model
            hidden = getattr(encoder, "text_model", encoder).final_layer_norm(hidden)
        return Told(hidden=hidden, pooled=pooled, lost=lost)


@contextmanager
def _standing(encoder: Any, vectors: "dict[int, Tensor]") -> Iterator[None]:
    """While it lasts, these vectors stand in the place of the words at some places; the model stays what it is."""
    if not vectors:
        yield
        return

    def put(_module: Any, _given: Any, words: "Tensor") -> "Tensor":
        words = words.clone()
        for place, vector in vectors.items():
            words[:, place] = vector.to(words)
        return words

    hook = encoder.get_input_embeddings().register_forward_hook(put)
    try:
        yield
    finally:
        hook.remove()


class Reader:
    """Reads prompts with all encoders of a checkpoint side by side; the last one tells of a text as a whole.

    What they told of a text is kept. A checkpoint that is loaded anew has a reader of its own.
    """

    def __init__(
        self, encoders: Sequence[Encoder], *, device: str, dtype: Any, usual_layer: int = 1, normed: bool = True
    ) -> None:
        """usual_layer: the one the checkpoint was trained with, counted from the last."""
        self.encoders, self.device, self.dtype = encoders, device, dtype
        self._usual_layer, self._normed = usual_layer, normed
        self._told: OrderedDict[Hashable, Told] = OrderedDict()
        self._worn: Hashable = ()
        self._kept = self._anew = 0

    def read(self, recipe: Recipe, *, worn: Hashable = ()) -> Words:
        """1 or 2 rows × tokens × width; the second row only above guidance 1, where it has a use.

        worn: the LoRAs that the encoders work with.
        """
        self._worn, self._kept, self._anew = worn, 0, 0
        return replace(self._both(recipe), kept=self._kept, anew=self._anew)

    def _both(self, recipe: Recipe) -> Words:
        import torch

        positive = self._chunks(recipe.prompt)
        if recipe.guidance_scale <= 1:
            return self._read(positive, recipe.clip_skip, self._counting(positive, recipe))
        negative = self._chunks(recipe.negative_prompt)
        length = max(len(positive), len(negative))
        prompt = self._read(
            positive + [""] * (length - len(positive)), recipe.clip_skip, self._counting(positive, recipe)
        )
        # As in diffusers' stock pipelines, clip_skip is for the prompt and not for the negative one.
        against = self._read(negative + [""] * (length - len(negative)), self._usual_layer, len(negative))
        pooled = None
        if against.pooled is not None and prompt.pooled is not None:
            pooled = torch.cat([against.pooled, prompt.pooled])
        return Words(embedding=torch.cat([against.embedding, prompt.embedding]), pooled=pooled, lost=prompt.lost)

    def _chunks(self, text: str) -> list[str]:
        """The lines as one text where the encoder reads that at once, else each by itself."""
        joined = ", ".join(line for line in text.splitlines() if line)
        fits = len(self.encoders[0].tokens(emphasis.plain(joined))) <= self.encoders[0].room
        return [joined] if fits else text.splitlines()

    def _counting(self, chunks: list[str], recipe: Recipe) -> int:
        """How many of the chunks count for the whole: the expansion, which is the last, does not."""
        return len(chunks) - 1 if recipe.expansion and len(chunks) > 1 else len(chunks)

    def _read(self, chunks: list[str], clip_skip: int, counting: int) -> Words:
        """1 row × tokens of all chunks × width; the whole is the sum over the first `counting` chunks."""
        import torch

        read = [self._weigh(chunk, clip_skip) for chunk in chunks]
        pooled = [told.pooled for told in read[:counting] if told.pooled is not None]
        return Words(
            embedding=torch.cat([told.hidden for told in read], dim=1),
            pooled=torch.stack(pooled).sum(0) if pooled else None,
            lost=" ".join(told.lost for told in read if told.lost),
        )

    def _weigh(self, chunk: str, clip_skip: int) -> Told:
        """A chunk encoded; words with a weight lie that much farther from what the encoder says of an empty text."""
        spans = emphasis.spans(chunk)
        told = self._encode("".join(span.text for span in spans), clip_skip)
        if all(span.weight == 1 for span in spans):
            return told
        empty = self._encode("", clip_skip).hidden
        weighed = empty + self._weights(spans, empty.shape[1]).to(empty) * (told.hidden - empty)
        return Told(hidden=weighed, pooled=told.pooled, lost=told.lost)

    def _weights(self, spans: tuple[emphasis.Span, ...], room: int) -> "Tensor":
        """1 × tokens × 1: each token's weight; 1 for the marks at the beginning and the end, and after it."""
        import torch

        weights = torch.ones(1, room, 1)
        for first, last, weight in self._places(spans):
            weights[:, min(first, room - 1) : min(last, room - 1)] = weight
        return weights

    def _places(self, spans: tuple[emphasis.Span, ...]) -> list[tuple[int, int, float]]:
        """Where every span's tokens stand, first and last (excluded); the beginning's mark stands at 0."""
        ends, text = [1], ""
        for span in spans:
            text += span.text
            ends.append(len(self.encoders[0].tokens(text)) - 1)
        return [(first, last, span.weight) for first, last, span in zip(ends, ends[1:], spans, strict=False)]

    def _encode(self, text: str, clip_skip: int) -> Told:
        """What is kept of a text, or what the encoders tell now."""
        key = (text, clip_skip, self._worn, *(each.state(text) for each in self.encoders))
        kept = key in self._told
        self._kept, self._anew = self._kept + kept, self._anew + (not kept)
        if not kept:
            self._told[key] = self._ask(text, clip_skip)
            if len(self._told) > KEPT:
                self._told.popitem(last=False)
        self._told.move_to_end(key)
        return self._told[key]

    def _ask(self, text: str, clip_skip: int) -> Told:
        import torch

        told = [each.encode(text, clip_skip, normed=self._normed, device=self.device) for each in self.encoders]
        pooled = told[-1].pooled
        return Told(
            hidden=torch.cat([each.hidden for each in told], dim=-1).to(self.dtype),
            pooled=None if pooled is None else pooled.to(self.dtype),
            lost=told[0].lost,
        )
