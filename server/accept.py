"""What an `Accept` header allows, for the few kinds of answer there are."""

from typing import Literal

from server.outputs import Format

FORMATS: tuple[Format, ...] = ("png", "jpeg", "webp")


def bytes_wanted(header: str | None) -> Format | None:
    """The picture format to answer in, when every listed type is a picture's; None means JSON."""
    listed = _listed(header)
    if not listed or any(kind.split("/")[0] != "image" for kind in listed):
        return None
    return preferred(header) or "png"


def full_detail_wanted(header: str | None) -> bool:
    """Whether some JSON that is listed has the parameter `detail=full`."""
    entries = ([part.strip() for part in entry.split(";")] for entry in (header or "").lower().split(","))
    return any(kind == "application/json" and "detail=full" in parameters for kind, *parameters in entries)


def preferred(header: str | None) -> Format | None:
    """The best allowed of our formats; None when none is."""
    best = max(FORMATS, key=lambda form: quality(header, form))
    return best if quality(header, best) > 0 else None


def quality(header: str | None, form: Format) -> float:
    """0 (excluded) to 1 for one picture format; the most exact type that covers it counts. No header allows all."""
    listed = _listed(header)
    for kind in (f"image/{form}", "image/*", "*/*"):
        if kind in listed:
            return listed[kind]
    return 0.0 if listed else 1.0


def _listed(header: str | None) -> dict[str, float]:
    """Media type → its q, in lower case; `image/jpg` means `image/jpeg`. What cannot be read is left out."""
    listed: dict[str, float] = {}
    for entry in (header or "").lower().split(","):
        kind, *parameters = (part.strip() for part in entry.split(";"))
        if kind.count("/") == 1:
            listed[kind.replace("image/jpg", "image/jpeg")] = _q(parameters)
    return listed


def _q(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def format_of(extension: str) -> Format:
    """`.jpg` and `.jpeg` → "jpeg", and so on; the extension is one of a picture."""
    known: dict[str, Literal["png", "jpeg", "webp"]] = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}
    return known[extension.lower().lstrip(".")]
