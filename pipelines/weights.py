"""Components of a checkpoint, loaded: by diffusers' and transformers' own classes, from a single file or folders."""

import functools
from pathlib import Path
from typing import Any

from configs.settings import ROOT
from masking.errors import BrokenModel
from masking.machine import is_out_of_memory
from pipelines import scaled, variants
from pipelines.parts import Parts

VOCABULARIES = ROOT / "configs" / "tokenizers"


class Weights:
    """Loads the parts of one checkpoint into main memory. Every method raises BrokenModel."""

    def __init__(self, parts: Parts, number: Any) -> None:
        """number: the torch dtype of what is loaded; a VAE overflows in float16, and is loaded in float32 instead."""
        self._parts, self._number = parts, number

    def model(self, part: str, kind: Any) -> Any:
        """One of diffusers' models, of class `kind`."""
        folder = str(self._parts.folder(part))
        return self._checked(part, lambda: self._diffusers(part, folder, kind))

    def text_encoder(self, part: str, kind: Any) -> Any:
        """One of transformers' models, of class `kind`."""
        folder = str(self._parts.folder(part))
        return self._checked(part, lambda: self._transformers(part, folder, kind))

    def tokenizer(self, part: str, kind: Any) -> Any:
        """A tokenizer of class `kind`: from its own files, or a shared vocabulary where its settings name one."""
        folder, config = self._parts.folder(part), self._parts.config(part)
        try:
            if "vocabulary" in config:
                return clip_tokenizer(config["vocabulary"], config["pad_token"], config["model_max_length"])
            return kind.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise self._broken(part, problem) from problem

    def processor(self, part: str, kind: Any) -> Any:
        """What makes a text encoder's input of words and pictures, of class `kind`."""
        try:
            return kind.from_pretrained(self._parts.folder(part), local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise self._broken(part, problem) from problem

    def _checked(self, part: str, load: Any) -> Any:
        """What `load` gives; transformers and diffusers only warn of weights that are not there."""
        try:
            made = load()
            absent = [name for name, value in made.state_dict().items() if value.is_meta]
            if absent:
                raise ValueError(f"it lacks {len(absent)} tensors, {absent[0]} among them")
            return made.eval()
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as problem:
            if is_out_of_memory(problem):
                raise
            raise self._broken(part, problem) from problem

    def _broken(self, part: str, problem: Exception) -> BrokenModel:
        return BrokenModel(
            f"The {part} of the checkpoint {self._parts.path.name} ({self._parts.kind}) does not load: {problem}",
            field="checkpoint",
        )

    def _diffusers(self, part: str, folder: str, kind: Any) -> Any:
        more, number = self._parts.more.get(part, {}), _for_part(part, self._number)
        if part not in self._parts.held:
            return _strictly(kind, folder, torch_dtype=number, local_files_only=True, **more)
        state = dict(self._state)
        if part == "transformer":
            begin = self._parts.held[part]
            state = {name.removeprefix(begin): value for name, value in state.items() if name.startswith(begin)}
        if self._parts.path.suffix == ".gguf":
            from diffusers import GGUFQuantizationConfig

            more = more | {"quantization_config": GGUFQuantizationConfig(compute_dtype=self._number)}
        return kind.from_single_file(state, config=folder, torch_dtype=number, local_files_only=True, **more)

    def _transformers(self, part: str, folder: str, kind: Any) -> Any:
        from diffusers.loaders import single_file_utils

        if part not in self._parts.held:
            return _strictly(kind, folder, dtype=self._number, local_files_only=True)
        load = single_file_utils.create_diffusers_clip_model_from_ldm
        if "t5" in self._parts.held[part]:
            load = _load_t5
        return load(kind, dict(self._state), config=folder, torch_dtype=self._number, local_files_only=True)

    @functools.cached_property
    def _state(self) -> dict[str, Any]:
        """The file's tensors by name; a pickle is read with weights_only, which runs nothing."""
        from diffusers.loaders.single_file_utils import load_single_file_checkpoint

        state: dict[str, Any] = load_single_file_checkpoint(str(self._parts.path), local_files_only=True)
        return scaled.widened(state, self._number)


def _load_t5(kind: Any, state: dict[str, Any], **more: Any) -> Any:
    """T5 from a single file, which holds the tensors that two of its layers share once."""
    from diffusers.loaders.single_file_utils import create_diffusers_t5_model_from_checkpoint

    made = create_diffusers_t5_model_from_checkpoint(kind, state, **more)
    made.tie_weights()
    return made


def number_for(device: str) -> Any:
    """torch's dtype of checkpoints: bfloat16 where CUDA computes in it, float16 on older cards, float32 elsewhere."""
    import torch

    if device != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def _for_part(part: str, number: Any) -> Any:
    import torch

    return torch.float32 if part == "vae" and number == torch.float16 else number


def _strictly(kind: Any, folder: str, **more: Any) -> Any:
    """`from_pretrained` that does not make up what the files lack."""
    variant = variants.of(Path(folder))
    made, told = kind.from_pretrained(folder, variant=variant, output_loading_info=True, **more)
    if absent := sorted(told["missing_keys"]):
        raise ValueError(f"it lacks {len(absent)} tensors, {absent[0]} among them")
    return made


@functools.cache
def _merges(vocabulary: str) -> tuple[tuple[str, str], ...]:
    text = (VOCABULARIES / vocabulary / "merges.txt").read_text(encoding="utf-8")
    return tuple((line.split(" ")[0], line.split(" ")[1]) for line in text.splitlines())


def clip_tokenizer(vocabulary: str, pad_token: str, room: int) -> Any:
    """CLIP's tokenizer from its merges alone: the words are the bytes, the bytes at a word's end, then what merges."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    merges = _merges(vocabulary)
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(letter + "</w>" for letter in letters), *(first + second for first, second in merges)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    places = {word: place for place, word in enumerate(words)}
    return CLIPTokenizer(vocab=places, merges=list(merges), pad_token=pad_token, model_max_length=room)
