"""The keys that open the server: from `--apikey` and from the file that `--apikey-file` names."""

import re

from configs.settings import Settings, SettingsError

KEY = re.compile(r"[!-~]([ -~]*[!-~])?")
WEAK = 16
"""A key with fewer characters is one that can be guessed in time."""


def keys(settings: Settings) -> tuple[str, ...]:
    """Every key; none means that nobody is asked for one. Raises SettingsError, which repeats no key."""
    told = [("--apikey", key) for key in settings.apikey]
    if settings.apikey_file:
        told += [(str(settings.apikey_file), line) for line in _lines(settings)]
    for source, key in told:
        if not KEY.fullmatch(key):
            raise SettingsError(
                f"A key of {source} cannot be sent in a header: take letters, digits and signs of ASCII."
            )
    return tuple(dict.fromkeys(key for _, key in told))


def _lines(settings: Settings) -> list[str]:
    """The lines of the key file; what begins with # is for people."""
    assert settings.apikey_file
    try:
        text = settings.apikey_file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no UTF-8 text"
        raise SettingsError(f"--apikey-file {settings.apikey_file} cannot be read: {why}.") from problem
    found = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    if not found:
        raise SettingsError(f"--apikey-file {settings.apikey_file} holds no key: write one a line.")
    return found
