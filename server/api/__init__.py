"""The APIs spoken here. Each module or package beside this file is one: it has a `router` with its routes.

A facade turns what is sent into a `Task` or a `MaskAsked`, and what came of it into its own kind of answer; the names
that it uses on the wire stop there.
"""

import importlib
import pkgutil

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """The router of every API, found by its file being here."""
    found = pkgutil.iter_modules(__path__)
    return [importlib.import_module(f"{__name__}.{module.name}").router for module in found]
