"""Where weights lie: the user's own folder first, then the starter pack that comes with Gesso."""

from pathlib import Path

from configs.settings import ROOT, Settings

STARTER = ROOT / "models" / "starter"


def model_folders(settings: Settings) -> tuple[Path, ...]:
    """The roots to look in, in this order; each holds Fooocus's folders (`checkpoints`, `rembg`, ...), if any."""
    return tuple(dict.fromkeys((settings.models_path, STARTER)))
