"""Prompts expanded by a GPT-2 in transformers' format, from a folder in `models/prompt_expansion`.

Fooocus's own lies in `fooocus_expansion`: beside the weights its `positive.txt` lists, a line each, the words that may
be added; without such a file any word may.
"""

import re
from functools import cached_property
from pathlib import Path
from typing import Any

from configs.settings import Settings
from masking import folders
from pipelines import companions

CHUNK = 75
"""Tokens that CLIP reads at once: a prompt is filled up to the next multiple."""

LIKELIEST = 100
"""Of as many tokens the next one is drawn."""

FIELD = "style_selections"
SPACE = "Ġ"
"""What GPT-2's vocabulary writes for the space before a word."""


def installed(settings: Settings) -> Path | None:
    """The first folder of `models/prompt_expansion` that holds a GPT-2."""
    places = companions.installed("prompt_expansion", settings).values()
    return next((place for place in places if place.is_dir() and folders.kind_of(place) == "gpt2"), None)


def load(folder: Path, device: str) -> "Expander":
    """The GPT-2 in a folder. Raises BrokenModel."""
    model, tokenizer = folders.load(folder, {"gpt2": "GPT2LMHeadModel"}, "GPT2Tokenizer", device, blamed=FIELD)
    words = folder / "positive.txt"
    listed = words.read_text(encoding="utf-8").splitlines() if words.is_file() else ()
    return Expander(model, tokenizer, frozenset(word.strip() for word in listed), device)


class Expander:
    """A GPT-2 at work. words: those that may be added; none: any."""

    def __init__(self, model: Any, tokenizer: Any, words: frozenset[str], device: str) -> None:
        self._model, self._tokenizer, self._words, self._device = model, tokenizer, words, device

    def expand(self, prompt: str, seed: int) -> str:
        """`prompt` and what the model adds to it, drawn by the seed alone."""
        import torch

        generator = torch.Generator().manual_seed(seed)  # not torch's own numbers: a plan may be painted meanwhile
        told = " ".join(prompt.split()).strip(" ,") + ","
        ids = self._tokenizer(told)["input_ids"]
        if not ids or len(ids) >= self._model.config.n_positions:
            return told.strip(",")
        room = min(-(-len(ids) // CHUNK) * CHUNK, self._model.config.n_positions) - len(ids)
        drawn: list[int] = []
        with torch.inference_mode():
            given, past = torch.tensor([ids], device=self._device), None
            for _ in range(room):
                out = self._model(given, past_key_values=past, use_cache=True)
                past = out.past_key_values
                drawn.append(self._draw(out.logits[0, -1].float().cpu(), generator))
                if drawn[-1] == self._tokenizer.eos_token_id:
                    drawn.pop()
                    break
                given = torch.tensor([[drawn[-1]]], device=self._device)
        return _tidied(self._tokenizer.decode([*ids, *drawn]))

    def _draw(self, scores: Any, generator: Any) -> int:
        """The next token: one of the likeliest, by their likelihood."""
        import torch

        top, tokens = (scores + self._allowed).topk(min(LIKELIEST, int(self._allowed.isfinite().sum())))
        return int(tokens[torch.multinomial(top.softmax(0), 1, generator=generator)])

    @cached_property
    def _allowed(self) -> Any:
        """One value per token: 0 for what may be added, minus infinity for what may not."""
        import torch

        vocabulary = self._tokenizer.get_vocab()
        score = torch.full((self._model.config.vocab_size,), -torch.inf)
        listed = [i for token, i in vocabulary.items() if token[:1] == SPACE and token[1:].lower() in self._words]
        if listed:
            score[[*listed, *(vocabulary[","],) * ("," in vocabulary)]] = 0
        else:
            score[:] = 0
        return score


def _tidied(text: str) -> str:
    """Single spaces, no comma twice or at the end."""
    return re.sub(r"\s*,(?:\s*,)*\s*", ", ", " ".join(text.split())).strip(" ,")
