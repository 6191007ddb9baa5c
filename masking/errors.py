"""What can go wrong, one class per thing a caller can act on. Statuses are given in `server/errors.py` only."""


class GessoError(Exception):
    """The base of all. The message is for people: the value, what is wrong with it, the way out.

    `field` is the name of the field that was asked for, as far as one can be blamed.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvalidValue(GessoError):
    """A value that can never be right: unknown name, out of range, at odds with another field."""


class UnreadableImage(GessoError):
    """Bytes, base64 text or a URL that give no image."""


class TooLarge(GessoError):
    """More pixels, a longer side or a larger body than `configs.settings.LIMITS` allows."""


class NotSupported(GessoError):
    """A right value that this version cannot carry out."""


class ModelMissing(GessoError):
    """A known model whose file is not installed; the message names the file and how to fetch it."""


class BrokenModel(GessoError):
    """A model's file that is there and cannot be read as what it should be."""


class InUse(GessoError):
    """A loaded model that cannot go because a task that runs needs it."""


class OutOfMemory(GessoError):
    """The device cannot hold what was asked for; fewer pixels, a smaller model or another device can help."""


class DoesNotFit(GessoError):
    """What was asked for takes more memory than there is; the message names the largest size that would fit."""


def public_errors() -> tuple[type[GessoError], ...]:
    """Every class above the base, here and in packages that added their own, in the order of definition."""
    found: list[type[GessoError]] = []
    for kind in GessoError.__subclasses__():
        found += [kind, *(below for below in kind.__subclasses__())]
    return tuple(found)
