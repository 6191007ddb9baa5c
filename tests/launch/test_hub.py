"""Repositories of Hugging Face's by their names, from a hub on this machine: `launch.py download owner/name`."""

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from configs.settings import Settings
from masking.errors import ModelMissing
from pipelines import checkpoints
from pipelines.families import families
from pipelines.planning import resolve
from pipelines.tasks.text_to_image import TextToImage
from pipelines.unet_model import UnetModel
from server import download
from tests import toys
from tests.server.running import free_port
from tests.server.site import Site, site
from tests.toy_hub import publish

NAME = "toys/large-1.0"
HALF = "unet/diffusion_pytorch_model.fp16.safetensors"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SDXL checkpoint as they are published: in 32 and in 16 bits, also in shards, and with what nobody needs."""
    from transformers import CLIPTextModelWithProjection

    folder = toys.sdxl(tmp_path_factory.mktemp("published") / "large")
    for file in list(folder.glob("*/*.safetensors")):
        half = {name: value.half() for name, value in load_file(file).items()}
        save_file(half, file.with_name(f"{file.stem}.fp16.safetensors"), metadata={"format": "pt"})
        shutil.copy(file, file.with_suffix(".bin"))
    second = folder / "text_encoder_2"
    encoder = CLIPTextModelWithProjection.from_pretrained(second, dtype=torch.float16)
    (second / "model.fp16.safetensors").unlink()
    encoder.save_pretrained(second, variant="fp16", max_shard_size="20KB")
    (folder / "vae_1_0").mkdir()
    shutil.copy(folder / "vae" / "config.json", folder / "vae_1_0")
    (folder / "sd_xl_large.safetensors").write_bytes(b"all of it once more")
    (folder / "README.md").write_text("large", encoding="utf-8")
    return folder


@pytest.fixture
def hub(repository: Path) -> Iterator[Site]:
    with site() as made, site() as store:
        made.store = store  # type: ignore[attr-defined]
        publish(made, store, NAME, repository)
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    (tmp_path / "presets").mkdir()
    return Settings(models_path=tmp_path / "models", output_path=tmp_path / "out", device="cpu")


@pytest.fixture(autouse=True)
def mirror(hub: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://{hub.host}")
    monkeypatch.delenv("HF_TOKEN", raising=False)


def store(hub: Site) -> Site:
    """Where the hub keeps large files."""
    kept: Site = hub.store  # type: ignore[attr-defined]
    return kept


def fetch(home: Settings, hub: Site, name: str = NAME) -> int:
    return download.main([name, "--models-path", str(home.models_path), "--download-hosts", store(hub).host])


def test_the_command_of_the_refusal_fetches_what_the_name_then_stands_for(
    home: Settings, hub: Site, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelMissing) as refused:
        resolve(TextToImage(checkpoint=NAME), home)
    assert hub.asked == []
    words = shlex.split(str(refused.value).rpartition(": ")[2])
    assert words[:4] == ["python3", "launch.py", "download", NAME]
    assert download.main([*words[3:], "--download-hosts", store(hub).host]) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert f"{NAME} needs " in told
    assert f"checkpoints/{NAME}/{HALF}" in told
    found = checkpoints.find(NAME, home)
    assert (found.family, checkpoints.installed(home)[NAME]) == ("sdxl", home.models_path / "checkpoints" / NAME)
    model = families()["sdxl"].load(found, "cpu", home)
    assert isinstance(model, UnetModel)
    for made, files in ((model.unet, "unet/*.fp16.safetensors"), (model.vae, "vae/*.fp16.safetensors")):
        halves = load_file(next(repository.glob(files)))
        assert all(torch.equal(value, halves[name].float()) for name, value in made.state_dict().items())
    assert fetch(home, hub) == 0
    assert "is there" in capsys.readouterr().out


def test_of_its_files_those_come_that_are_needed_and_the_index_last(home: Settings, hub: Site) -> None:
    assert fetch(home, hub) == 0
    folder = home.models_path / "checkpoints" / NAME
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"model_index.json", HALF, "vae/config.json", "tokenizer/merges.txt"} < files
    assert {"text_encoder_2/model.safetensors.index.fp16.json", "scheduler/scheduler_config.json"} < files
    assert not [file for file in files if file.endswith((".bin", ".md", "model.safetensors")) or "vae_1_0" in file]
    fetched = [path for path, _ in hub.asked if "/resolve/" in path]
    assert fetched[-1] == f"/{NAME}/resolve/main/model_index.json"


def test_what_broke_off_is_no_checkpoint_and_is_gone_on_with(
    home: Settings, hub: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = hub.files.pop(f"/{NAME}/resolve/main/vae/diffusion_pytorch_model.fp16.safetensors")
    assert fetch(home, hub) == 1
    assert "answered with 404" in capsys.readouterr().err
    assert (home.models_path / "checkpoints" / NAME / HALF).is_file()
    assert not [name for name in checkpoints.installed(home) if name.startswith("toys")]
    hub.files[f"/{NAME}/resolve/main/vae/diffusion_pytorch_model.fp16.safetensors"] = lost
    hub.asked.clear()
    assert fetch(home, hub) == 0
    assert [path for path, _ in hub.asked if path.endswith("unet/config.json")] == []
    assert NAME in checkpoints.installed(home)


def test_another_file_than_the_hub_lists_is_thrown_away(
    home: Settings, hub: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf = store(hub).files[f"/lfs/{NAME}/{HALF}"]
    shelf.content = shelf.content[:-1] + b"!"
    assert fetch(home, hub) == 1
    assert "gave another file" in capsys.readouterr().err
    assert not (home.models_path / "checkpoints" / NAME / HALF).exists()


def test_a_preset_may_name_a_repository(home: Settings, hub: Site, capsys: pytest.CaptureFixture[str]) -> None:
    told = {"default_model": NAME, "default_mask_model": "none", "default_loras": []}
    (home.models_path.parent / "presets" / "far.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(ModelMissing, match=r"launch\.py download far"):
        resolve(TextToImage(preset="far"), home)
    assert fetch(home, hub, "far") == 0, capsys.readouterr().err
    assert resolve(TextToImage(preset="far"), home).recipe.checkpoint == NAME


def test_a_gated_repository_wants_a_token_which_only_the_hub_sees(
    home: Settings, hub: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.known = "Bearer hf_secret"
    assert fetch(home, hub) == 1
    told = capsys.readouterr().err
    assert "known there (401)" in told
    assert "HF_TOKEN" in told
    assert str(home.models_path / "checkpoints" / NAME) in told
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert fetch(home, hub) == 0, capsys.readouterr().err
    assert {told for _, told in store(hub).credentials} == {""}


def test_without_a_net_it_says_which_files_to_put_where(
    home: Settings, hub: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    assert fetch(home, hub) == 1
    told = capsys.readouterr().err
    assert "cannot be reached" in told
    assert f"https://huggingface.co/{NAME} (model_index.json and the folders that it names" in told
    assert str(home.models_path / "checkpoints" / NAME) in told


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("nowhere", "answered with 404"),
        ("another kind", "KandinskyPipeline, which this version cannot paint with"),
        ("pickles", "has no unet with weights as safetensors"),
        ("no part", "has no vae at all"),
        ("no list", "gave no JSON"),
        ("odd list", "cannot be read"),
    ],
)
def test_what_cannot_be_painted_with_is_told_before_anything_comes(
    home: Settings, hub: Site, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str, told: str
) -> None:
    odd = shutil.copytree(repository, tmp_path / "odd")
    if how == "another kind":
        (odd / "model_index.json").write_text('{"_class_name": "KandinskyPipeline"}', encoding="utf-8")
    if how == "pickles":
        for file in odd.glob("unet/*.safetensors"):
            file.unlink()
    if how == "no part":
        shutil.rmtree(odd / "vae")
    if how != "nowhere":
        publish(hub, store(hub), "toys/odd", odd)
    if how in ("no list", "odd list"):
        hub.offer("/api/models/toys/odd?blobs=true", b"[" if how == "no list" else b'{"siblings": [1]}')
    assert fetch(home, hub, "toys/odd") == 1
    assert told in capsys.readouterr().err
    assert not (home.models_path / "checkpoints" / "toys").exists()


def test_no_file_of_a_repository_gets_out_of_its_folder(home: Settings, hub: Site) -> None:
    about = hub.files[f"/api/models/{NAME}?blobs=true"]
    listed = json.loads(about.content)
    listed["siblings"] += [{"rfilename": f"unet/{odd}.json", "size": 1} for odd in ("../../../out", "a/b", "..\\out")]
    about.content = json.dumps(listed).encode()
    assert fetch(home, hub) == 0
    assert [path.name for path in home.models_path.iterdir() if path.is_dir()] == ["checkpoints"]
    assert not list(home.models_path.rglob("*out*"))
