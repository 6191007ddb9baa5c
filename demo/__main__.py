"""`python -m demo`: takes the settings of `launch.py`; 0 only if all of it worked."""

import os
import signal
import sys
from datetime import date
from pathlib import Path

from PIL import Image

from configs.settings import SettingsError
from configs.sources import load
from demo.sheet import lay
from demo.site import Wrong, serving
from demo.walk import walk


def main(words: list[str]) -> int:
    """Serve, walk, lay out. 1 when something did not work, 2 when the settings cannot be used."""
    try:
        outputs = load(words).output_path
        print("Starting the server", flush=True)
        with serving(words, outputs) as site:
            day = outputs / date.today().isoformat()
            day.mkdir(parents=True, exist_ok=True)
            made = walk(site, day / "demo-mask.png")
        sheet = _keep(lay(made), day / "demo.png")
    except SettingsError as problem:
        print(problem, file=sys.stderr)
        return 2
    except Wrong as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"All four worked. The sheet: {sheet}")
    return 0


def _keep(sheet: Image.Image, file: Path) -> Path:
    """Written beside and moved, so that nobody sees half a sheet."""
    passing = file.with_name(f".{file.name}")
    sheet.save(passing, "PNG")
    os.replace(passing, file)
    return file


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped, too
    sys.exit(main(sys.argv[1:]))
