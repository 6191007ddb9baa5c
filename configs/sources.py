"""Where settings come from, later wins: defaults, `gesso.toml`, the environment, the command line."""

import os
import tomllib
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from configs.option import Option, absolute
from configs.settings import ROOT, Settings, SettingsError, flag, options

FILE = "gesso.toml"

LATER = {
    "always_download_new_model": "models are fetched when that is asked for: launch.py download <preset>",
    "always_gpu": "--device cuda does that",
    "always_high_vram": "--vram high does that",
    "disable_image_log": "every picture is kept",
    "disable_offload_from_vram": "--vram high does that",
    "disable_preset_download": "nothing is fetched unless that is asked for",
    "gpu_device_id": "--devices cuda:1 does that",
}
"""FooocusAPI's settings that this version has not got, with what to do instead: refused, never ignored."""


class Parser(ArgumentParser):
    """An ArgumentParser that raises SettingsError where the other one ends the process."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message[:1].upper()}{message[1:]}. See --help.")


def parser(program: str = "launch.py", usage: str | None = None, description: str | None = None) -> Parser:
    """The command line with every setting on it, for programs to add their own to."""
    made = Parser(
        prog=program,
        usage=usage,
        description=description,
        epilog=_epilog(),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "--config", metavar="FILE", type=Path, help=f"settings file (default: {FILE} beside launch.py, if any)"
    )
    for name, told in options().items():
        _add(made, name, told)
    return made


def load(arguments: Sequence[str], environment: Mapping[str, str] = os.environ, folder: Path = ROOT) -> Settings:
    """The settings from all sources; `folder` is where `gesso.toml` lies.

    Raises SettingsError, whose message names the source to blame.
    """
    return decide(read(parser(), arguments), environment, folder)


def read(line: ArgumentParser, arguments: Sequence[str]) -> Namespace:
    """The command line, read; a flag that is not known is refused with the nearest one that is."""
    known, unknown = line.parse_known_args(arguments)
    for word in unknown:
        if not word.startswith("-"):
            raise SettingsError(f"{word!r} is one word too many. See --help.")
        raise _unknown(word.split("=")[0], word.split("=")[0], [flag(name) for name in options()])
    return known


def decide(line: Namespace, environment: Mapping[str, str] = os.environ, folder: Path = ROOT) -> Settings:
    """Settings from a command line that was read, over the environment, over the file, over the defaults."""
    typed = {name: text for name, text in vars(line).items() if name in options() and text is not None}
    said = {name: _value(options()[name], text, flag(name)) for name, text in typed.items()}
    return Settings(**_from_file(line.config, folder) | _from_environment(environment) | said)


def _epilog() -> str:
    later = "\n".join(f"  {flag(name):30}{instead}" for name, instead in LATER.items())
    return f"""\
Every setting can also stand in gesso.toml (output_path = "/pictures") or in the environment
(GESSO_OUTPUT_PATH=/pictures; API_PORT and GRADIO_SERVER_PORT are honoured). The command line
wins over the environment, and that over the file.

FooocusAPI's settings that this version refuses, and what to do instead:
{later}"""


def _add(made: ArgumentParser, name: str, told: Option) -> None:
    default = Settings.__dataclass_fields__[name].default
    words = f"{told.help} (default: {_brief(default)})".replace("%", "%%")
    if told.many:
        made.add_argument(flag(name), action="append", metavar=told.metavar, help=f"{words}; may be repeated")
        return
    if isinstance(default, bool):
        made.add_argument(flag(name), action="store_const", const="true", help=words)
        return
    made.add_argument(
        flag(name),
        metavar="{" + ",".join(told.choices) + "}" if told.choices else told.metavar,
        nargs=None if told.bare is None else "?",
        const=told.bare,
        help=words,
    )


def _brief(default: object) -> str:
    if isinstance(default, Path) and default.is_relative_to(ROOT):
        return str(default.relative_to(ROOT))
    if isinstance(default, tuple):
        return ",".join(default) or "none"
    return "off" if default is False else "none" if default is None else str(default)


def _value(told: Option, said: str | list[str], source: str) -> Any:
    """What the text of a setting means; of one that may be said several times, a tuple of what each means.

    Where there is only one text to say them all, commas part them.
    """
    if told.many:
        each = said.split(",") if isinstance(said, str) else said
        return tuple(told.read(one) for one in each if one.strip())
    text = str(said)
    try:
        return told.read(text)
    except ValueError as problem:
        kind = "a whole number" if told.read is int else "true or false"
        raise SettingsError(f"{source} cannot be {text!r}: give {kind}.") from problem


def _from_file(named: Path | None, folder: Path) -> dict[str, Any]:
    """What the settings file says; its relative folders start from its own."""
    file = named or folder / FILE
    if named is None and not file.exists():
        return {}
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise SettingsError(f"The settings file {file} cannot be read: {problem.strerror}.") from problem
    except ValueError as problem:
        raise SettingsError(f"The settings file {file} is no TOML: {problem}.") from problem
    return {name: _from_line(file, name, value) for name, value in said.items()}


def _from_line(file: Path, name: str, value: object) -> Any:
    if name not in options():
        raise _unknown(name, f"{name} in {file}", list(options()))
    told = options()[name]
    if told.many and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return _value(told, value, f"{name} in {file}")
    if not isinstance(value, str | int):
        raise SettingsError(f"{name} in {file} cannot be {value!r}: give one value.")
    text = str(value)
    if told.read is absolute:
        text = str(file.absolute().parent / Path(text).expanduser())
    return _value(told, text, f"{name} in {file}")


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """GESSO_<SETTING>, over API_PORT, over one more than GRADIO_SERVER_PORT (where FooocusAPI served its API).

    HF_ENDPOINT is Hugging Face's own name for a mirror.
    """
    port = options()["port"]
    said = {}
    if environment.get("GRADIO_SERVER_PORT"):
        said["port"] = _value(port, environment["GRADIO_SERVER_PORT"], "GRADIO_SERVER_PORT") + 1
    if environment.get("API_PORT"):
        said["port"] = _value(port, environment["API_PORT"], "API_PORT")
    if environment.get("HF_ENDPOINT"):
        said["hf_mirror"] = _value(options()["hf_mirror"], environment["HF_ENDPOINT"], "HF_ENDPOINT")
    for name in (*options(), *LATER):
        source = f"GESSO_{name.upper()}"
        if environment.get(source):
            if name in LATER:
                raise _unknown(name, source, [])
            said[name] = _value(options()[name], environment[source], source)
    return said


def _unknown(name: str, source: str, known: Sequence[str]) -> SettingsError:
    instead = LATER.get(name.lstrip("-").replace("-", "_"))
    if instead:
        return SettingsError(f"{source} is not supported in this version: {instead}.")
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return SettingsError(f"{source} is not known." + (f" Did you mean {near[0]}?" if near else " See --help."))
