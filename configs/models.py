"""Where weights lie: the user's own folder first, then the starter pack that comes with Gesso."""

from pathlib import Path

from configs.settings import ROOT, Settings, flag

STARTER = ROOT / "models" / "starter"


def model_folders(settings: Settings) -> tuple[Path, ...]:
    """The roots to look in, in this order; each holds Fooocus's folders (`checkpoints`, `rembg`, ...), if any."""
    return tuple(dict.fromkeys((settings.models_path, STARTER)))


def download_command(name: str, settings: Settings) -> str:
    """What a person types to fetch a file that is known by that name, or all that a preset of that name needs."""
    words = ["python3 launch.py download", _quoted(name)]
    if settings.models_path != Settings.__dataclass_fields__["models_path"].default:
        words += [flag("models_path"), _quoted(str(settings.models_path))]
    return " ".join(words)


def _quoted(word: str) -> str:
    return f'"{word}"' if any(letter.isspace() for letter in word) else word
