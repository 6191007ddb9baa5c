"""What was decided about a mask: nothing open, ready for the worker."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, cast, get_args

ClothCategory = Literal["full", "upper", "lower"]
CLOTH_CATEGORIES = cast(tuple[ClothCategory, ...], get_args(ClothCategory))


@dataclass(frozen=True, kw_only=True)
class MaskPlan:
    """`image`: an upright 8-bit RGB PNG on disk. `model`: an installed model's name. `warnings`: every fallback."""

    image: Path
    model: str
    cloth_category: ClothCategory = "full"
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"image": str(self.image)})

    @classmethod
    def from_json(cls, text: str) -> "MaskPlan":
        """The plan that `to_json` wrote."""
        kept = json.loads(text)
        return cls(**kept | {"image": Path(kept["image"]), "warnings": tuple(kept["warnings"])})
