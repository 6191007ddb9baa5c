"""What is known of a checkpoint's files is known of them as they are now."""

import json
import shutil
import struct
from pathlib import Path

import pytest

from configs.settings import Settings
from masking.errors import BrokenModel, DoesNotFit
from pipelines import checkpoints
from pipelines.fitting import Memory
from pipelines.planning import resolve
from pipelines.tasks.text_to_image import TextToImage
from tests.single_files import pack


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    (tmp_path / "models" / "checkpoints").mkdir(parents=True)
    return Settings(models_path=tmp_path / "models", output_path=tmp_path / "out", device="cpu")


def place(home: Settings, name: str) -> Path:
    return home.models_path / "checkpoints" / name


def rewrite(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_a_folder_is_read_again_once_any_of_its_files_has_changed(home, models_path):
    folder = shutil.copytree(models_path / "checkpoints" / "toy4", place(home, "toy"))
    before = checkpoints.find("toy", home)
    assert checkpoints.find("toy", home) is before
    rewrite(folder / "unet" / "config.json", sample_size=16)
    assert checkpoints.find("toy", home).side == 2 * before.side
    (folder / "unet" / "config.json").unlink()
    with pytest.raises(BrokenModel, match=r"config\.json"):
        checkpoints.find("toy", home)


def test_a_file_that_was_swapped_for_another_as_large_and_as_old_is_noticed(home, models_path):
    folder = shutil.copytree(models_path / "checkpoints" / "toy4", place(home, "toy"))
    config = folder / "unet" / "config.json"
    first, spare = config.read_text(), folder / "unet" / "spare.json"
    spare.write_text(first.replace('"sample_size": 8', '"sample_size": 6'))
    before = checkpoints.find("toy", home)
    times = [file.stat() for file in (config, spare)]
    config.rename(folder / "unet" / "other.json")
    spare.rename(config)
    (folder / "unet" / "other.json").rename(spare)
    assert sorted(file.stat().st_mtime_ns for file in (config, spare)) == sorted(one.st_mtime_ns for one in times)
    assert checkpoints.find("toy", home).side == before.side * 6 // 8


def test_a_single_file_is_read_again_once_what_lies_beside_it_has_changed(home, models_path):
    file = pack(models_path / "checkpoints" / "toy4", place(home, "one.safetensors"))
    before = checkpoints.find(file.name, home)
    assert checkpoints.find(file.name, home) is before
    rewrite(file.with_suffix(".parts") / "unet" / "config.json", sample_size=16)
    assert checkpoints.find(file.name, home).side == 2 * before.side


def test_a_checkpoint_is_weighed_again_once_its_weights_are_others(home, models_path):
    folder = shutil.copytree(models_path / "checkpoints" / "toy4", place(home, "toy"))
    task, memory = TextToImage(checkpoint="toy", width=64, height=64, steps=1), Memory(device="cpu", main=10**9)
    resolve(task, home, memory=memory)
    unet = folder / "unet" / "diffusion_pytorch_model.safetensors"
    header = json.dumps({"large": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}}).encode()
    with unet.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + 4 * 10**9)  # a hole in the file: nothing is written
    with pytest.raises(DoesNotFit, match=r"4\.\d GB of memory"):
        resolve(task, home, memory=memory)
