"""From the name of a model that was asked for to one that is installed, or to the reason why there is none."""

from collections.abc import Sequence
from difflib import get_close_matches

from configs.models import download_command
from configs.settings import Settings
from masking.errors import InvalidValue, ModelMissing


def present(name: str, installed: Sequence[str], known: Sequence[str], field: str, settings: Settings) -> str:
    """The name, if it is installed. Raises ModelMissing, with the way to get it, or InvalidValue with near names."""
    if name in installed:
        return name
    if name in known:
        way = f"Fetch it with: {download_command(name, settings)}"
        raise ModelMissing(f'{field} "{name}" is not installed. {way}', field=field)
    near = get_close_matches(name, [*installed, *known], n=3, cutoff=0.4) or [*installed][:10]
    hint = f"Near it: {', '.join(near)}." if near else "None is installed."
    raise InvalidValue(f'{field} "{name}" does not exist. {hint}', field=field)


def replaced(
    name: str, replaceable: str, own: str, installed: Sequence[str], field: str
) -> tuple[str, tuple[str, ...]]:
    """FooocusAPI's default that is not installed gives way to the preset's own, with a warning; other names stay."""
    if name == replaceable and name not in installed and own != name:
        return own, (f'{field} "{name}" is not installed; "{own}" took its place.',)
    return name, ()
