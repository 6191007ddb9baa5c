"""What a newcomer does first, with everything real but the models' size: `launch.py demo`."""

import subprocess
import sys

from PIL import Image

from configs.settings import ROOT
from tests import toys
from tests.toy_masks import red_finder

PATIENCE_S = 600


def ended(command: list[str]) -> tuple[int, str]:
    """Exit code and output; what takes too long is asked to end, so that it takes its server along."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        told, _ = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.terminate()
        told, _ = process.communicate()
    return process.returncode, told


def test_the_demo_generates_masks_inpaints_and_outpaints_through_http(tmp_path):
    toys.stable_diffusion(tmp_path / "models" / "checkpoints" / "gesso-starter", unet_channels=9)
    red_finder(tmp_path / "models" / "rembg" / "gesso-salient.onnx")
    folders = {"--models-path": "models", "--output-path": "out", "--input-path": "in"}
    words = [word for flag, folder in folders.items() for word in (flag, str(tmp_path / folder))]
    code, told = ended(
        [sys.executable, str(ROOT / "launch.py"), "demo", "--no-setup", "--device", "cpu", "--threads", "1", *words]
    )
    assert code == 0, told
    (day,) = (folder for folder in (tmp_path / "out").iterdir() if folder.is_dir())
    with Image.open(day / "demo.png") as sheet:
        assert sheet.width > 1000
    for title in ("Text to image", "Mask", "Inpaint", "Outpaint"):
        assert title in told
