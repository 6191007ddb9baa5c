"""LoRAs on a loaded checkpoint: put on before a pass that wants them, taken off exactly before one that does not."""

import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from configs.settings import Settings
from masking.errors import BrokenModel, ModelMissing
from masking.residency import Stamp, stamp
from pipelines import companions, lycoris
from pipelines.plans import Lora

KEPT = 6
"""So many LoRAs stay loaded, switched off, for the next request that wants them."""


class Adapters:
    """The LoRAs of the modules of one of diffusers' pipelines, which is used for nothing else.

    prepare: called before one is put into the modules.
    """

    def __init__(self, pipeline: Any, settings: Settings) -> None:
        self._pipeline, self._settings = pipeline, settings
        self._loaded: OrderedDict[str, str] = OrderedDict()
        self._stamps: dict[str, Stamp | None] = {}
        self._worn: tuple[Lora, ...] = ()
        self._count = 0
        self.prepare: Callable[[], None] = lambda: None

    def put_on(self, loras: tuple[Lora, ...], *, anew: bool = False) -> None:
        """From now on the modules work with these LoRAs and no others. Raises ModelMissing or BrokenModel.

        anew: those whose files have changed since they were loaded are loaded again.
        """
        if anew:
            self._forget_changed(loras)
        if loras == self._worn:
            return
        self._worn = ()
        try:
            for lora in loras:
                self._load(lora.name)
            self._drop_oldest(keep={lora.name for lora in loras})
            if loras:
                self._pipeline.enable_lora()
                names = [self._loaded[lora.name] for lora in loras]
                self._pipeline.set_adapters(names, [lora.weight for lora in loras])
            elif self._loaded:
                self._pipeline.disable_lora()
        except Exception:
            self._take_all_off()
            raise
        self._worn = loras

    @property
    def worn(self) -> tuple[tuple[str, float], ...]:
        """What the modules work with now: for each LoRA, as it was loaded, a name of its own, and its weight."""
        return tuple((self._loaded[lora.name], lora.weight) for lora in self._worn)

    def _load(self, name: str) -> None:
        import torch

        if name in self._loaded:
            self._loaded.move_to_end(name)
            return
        place = companions.installed("loras", self._settings).get(name)
        if place is None:
            raise ModelMissing(f"The LoRA {name!r} is no longer there.", field="loras")
        self.prepare()
        self._count += 1
        adapter = f"lora{self._count}"
        try:
            # Tensors that are made in inference mode are multiplied in another order: not as in diffusers' own scripts.
            with warnings.catch_warnings(), torch.inference_mode(False):
                warnings.filterwarnings("ignore", "Already found a `peft_config`")  # several at once are meant
                self._pipeline.load_lora_weights(self._state(place), adapter_name=adapter)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, IndexError, AttributeError) as problem:
            why = problem.__context__ or problem  # diffusers stumbles while it cleans up
            raise BrokenModel(f"The LoRA {name!r} does not load: {why}", field="loras") from problem
        if adapter not in {each for names in self._pipeline.get_list_adapters().values() for each in names}:
            raise BrokenModel(f"The LoRA {name!r} changes nothing that this checkpoint has.", field="loras")
        self._loaded[name] = adapter
        self._stamps[name] = stamp(place)

    def _forget_changed(self, loras: tuple[Lora, ...]) -> None:
        places = companions.installed("loras", self._settings) if loras else {}
        for name in [lora.name for lora in loras if lora.name in self._loaded and lora.name in places]:
            if stamp(places[name]) != self._stamps[name]:
                self._pipeline.delete_adapters(self._loaded.pop(name))
                self._worn = ()

    def _drop_oldest(self, keep: set[str]) -> None:
        for name in [name for name in self._loaded if name not in keep][: max(0, len(self._loaded) - KEPT)]:
            self._pipeline.delete_adapters(self._loaded.pop(name))

    def _take_all_off(self) -> None:
        """The modules as they were before the first LoRA."""
        self._loaded.clear()
        self._pipeline.unload_lora_weights()

    def _state(self, place: Path) -> dict[str, Any]:
        """A file's tensors; a pickle is read with weights_only, which runs nothing."""
        from diffusers.models.model_loading_utils import load_state_dict

        state: dict[str, Any] = load_state_dict(str(place))
        if not any(name.rpartition(".")[2] in lycoris.PARTS for name in state):
            return state
        unet = getattr(self._pipeline, "unet", None)
        return lycoris.as_loras(state, {} if unet is None else lycoris.kernels(unet))
