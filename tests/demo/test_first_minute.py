"""What a newcomer does first, with everything real but the models' size: `launch.py demo`."""

import os
import subprocess
import sys

from PIL import Image

from configs.settings import ROOT
from tests import toys
from tests.toy_masks import red_finder


def test_the_demo_generates_masks_inpaints_and_outpaints_through_http(tmp_path):
    toys.stable_diffusion(tmp_path / "models" / "checkpoints" / "gesso-starter", unet_channels=9)
    red_finder(tmp_path / "models" / "rembg" / "gesso-salient.onnx")
    folders = {"--models-path": "models", "--output-path": "out", "--input-path": "in"}
    words = [word for flag, folder in folders.items() for word in (flag, str(tmp_path / folder))]
    ended = subprocess.run(
        [sys.executable, str(ROOT / "launch.py"), "demo", "--no-setup", "--device", "cpu", "--threads", "1", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=tmp_path,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (day,) = (folder for folder in (tmp_path / "out").iterdir() if folder.is_dir())
    with Image.open(day / "demo.png") as sheet:
        assert sheet.width > 1000
    for title in ("Text to image", "Mask", "Inpaint", "Outpaint"):
        assert title in ended.stdout
