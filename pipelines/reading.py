"""What a CLIP text encoder makes of a prompt: long ones piece by piece, weighed words, any of its layers."""

from typing import TYPE_CHECKING, Any

from pipelines import emphasis
from pipelines.families import Words
from pipelines.plans import Recipe

if TYPE_CHECKING:
    from torch import Tensor


class Reader:
    """Reads prompts with diffusers' own tokenizer and text encoder."""

    def __init__(self, tokenizer: Any, text_encoder: Any, *, device: str, dtype: Any) -> None:
        self.tokenizer, self.text_encoder, self.device, self.dtype = tokenizer, text_encoder, device, dtype

    def read(self, recipe: Recipe) -> Words:
        """1 or 2 rows × tokens × width; the second row only above guidance 1, where it has a use."""
        import torch

        positive = self._chunks(recipe.prompt)
        if recipe.guidance_scale <= 1:
            return self._read(positive, recipe.clip_skip)
        negative = self._chunks(recipe.negative_prompt)
        length = max(len(positive), len(negative))
        prompt = self._read(positive + [""] * (length - len(positive)), recipe.clip_skip)
        # As in diffusers' stock pipelines, clip_skip is for the prompt and not for the negative one.
        against = self._read(negative + [""] * (length - len(negative)), 1)
        return Words(embedding=torch.cat([against.embedding, prompt.embedding]), lost=prompt.lost)

    def _chunks(self, text: str) -> list[str]:
        """The lines as one text where the encoder reads that at once, else each by itself."""
        joined = ", ".join(line for line in text.splitlines() if line)
        length = len(self.tokenizer(emphasis.plain(joined), truncation=False, verbose=False).input_ids)
        return [joined] if length <= self.tokenizer.model_max_length else text.splitlines()

    def _read(self, chunks: list[str], clip_skip: int) -> Words:
        """1 row × tokens of all chunks × width."""
        import torch

        read = [self._weigh(chunk, clip_skip) for chunk in chunks]
        return Words(
            embedding=torch.cat([told for told, _ in read], dim=1), lost=" ".join(lost for _, lost in read if lost)
        )

    def _weigh(self, chunk: str, clip_skip: int) -> "tuple[Tensor, str]":
        """A chunk encoded; words with a weight lie that much farther from what the encoder says of an empty text."""
        spans = emphasis.spans(chunk)
        told, lost = self._encode("".join(span.text for span in spans), clip_skip)
        if all(span.weight == 1 for span in spans):
            return told, lost
        empty, _ = self._encode("", clip_skip)
        return empty + self._weights(spans, told.shape[1]).to(told) * (told - empty), lost

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
            ends.append(len(self.tokenizer(text, truncation=False, verbose=False).input_ids) - 1)
        return [(first, last, span.weight) for first, last, span in zip(ends, ends[1:], spans, strict=False)]

    def _encode(self, text: str, clip_skip: int) -> "tuple[Tensor, str]":
        room = self.tokenizer.model_max_length
        tokens = self.tokenizer(text, padding="max_length", max_length=room, truncation=True, return_tensors="pt")
        # Asked without return_tensors and truncation, for the tokenizer warns of long texts otherwise.
        every = self.tokenizer(text, truncation=False, verbose=False).input_ids
        lost = self.tokenizer.decode(every[room - 1 : -1]) if len(every) > room else ""
        encoder = self.text_encoder
        heeds = getattr(encoder.config, "use_attention_mask", False)
        attended = tokens.attention_mask.to(self.device) if heeds else None
        if clip_skip == 1:
            return encoder(tokens.input_ids.to(self.device), attention_mask=attended)[0].to(self.dtype), lost
        told = encoder(tokens.input_ids.to(self.device), attention_mask=attended, output_hidden_states=True)
        # transformers 5 has the last norm on the model itself, older ones on its text_model
        norm = getattr(encoder, "text_model", encoder).final_layer_norm
        return norm(told.hidden_states[-clip_skip]).to(self.dtype), lost
