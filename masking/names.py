"""From the name of a model that was asked for to one that is installed, or to the reason why there is none."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from masking.errors import InvalidValue, ModelMissing


def present(name: str, installed: Sequence[str], known: Mapping[str, str], field: str) -> str:
    """The name, if it is installed. Raises ModelMissing, with the way to get it, or InvalidValue with near names."""
    if name in installed:
        return name
    if name in known:
        raise ModelMissing(f'{field} "{name}" is not installed. {known[name]}', field=field)
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
