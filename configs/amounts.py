"""Amounts of memory as people write them: "8GB", "6.5 GiB", "80%"."""

import re

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(?:(%)|([kmgt]i?)?b?)", re.IGNORECASE)


def amount(text: str, total: int) -> int:
    """Bytes; a share is one of `total`. Raises ValueError for what is neither, and for nothing at all."""
    told = FORM.fullmatch(text.strip())
    if not told:
        raise ValueError("give an amount or a share, such as 8GB or 80%")
    number = float(told[1])
    found = total * number / 100 if told[2] else number * UNITS[(told[3] or "").lower()]
    if found < 1 or (told[2] and number > 100):
        raise ValueError("give more than nothing, and at most 100%")
    return int(found)


def share(text: str, among: int) -> str:
    """What each of so many gets of an amount or a share that `amount` can read."""
    if among == 1:
        return text
    return f"{float(text.strip().rstrip('% ')) / among}%" if "%" in text else str(amount(text, 1) // among)


def is_amount(text: str) -> bool:
    """Whether `amount` can read it."""
    try:
        return amount(text, 10**12) > 0
    except ValueError:
        return False
