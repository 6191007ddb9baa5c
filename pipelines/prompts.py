"""Prompt text, before any model reads it."""


def put_before(first: str | None, then: str | None) -> str | None:
    """Two prompts as the lines of one, the first leading; None only where both are None."""
    told = [text for text in (first, then) if text]
    if told:
        return "\n".join(told)
    return then if first is None else first


def one_line(prompt: str) -> str:
    """The main prompt (line 1) and the further lines behind it, joined by ", "; empty lines count for nothing."""
    lines = (line.strip() for line in prompt.splitlines())
    return ", ".join(line for line in lines if line)
