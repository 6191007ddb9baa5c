"""`launch.py download`, as a person types it: no server runs."""

import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.settings import ROOT, Settings
from masking import weights as mask_weights
from masking.asked import MaskAsked, Usual
from masking.errors import ModelMissing
from masking.planning import resolve as find
from pipelines.describing import DescribeAsked
from pipelines.describing import resolve as describe
from pipelines.planning import resolve
from pipelines.sources import known_sources
from pipelines.sources import models as models_by_name
from pipelines.tasks.text_to_image import TextToImage
from server import download
from server.sites import Sites
from tests.server.receiving import until
from tests.server.running import free_port
from tests.server.site import Site, site
from tests.server.test_downloads import preset

CONTENT = random.Random(2).randbytes(2_000_000)
BLIP = "blip-image-captioning-base"
OGC = "groundingdino_swint_ogc"


def forget_sources() -> None:
    mask_weights._sources.cache_clear()


@pytest.fixture(scope="module")
def shop() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "presets").mkdir()
    return tmp_path / "models"


def typed(words: str, models: Path, shop: Site, **variables: str) -> subprocess.CompletedProcess[str]:
    """What comes of a command, with the settings that keep it to this machine."""
    more = ["--no-setup", "--models-path", str(models), "--download-hosts", shop.host]
    more += ["--output-path", str(models.parent / "outputs"), "--input-path", str(models.parent / "inputs")]
    command = [sys.executable, *shlex.split(words.removeprefix("python3 ")), *more]
    around = os.environ | variables
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=around, timeout=120)


def test_the_command_of_the_refusal_fetches_what_is_missing(models: Path, shop: Site) -> None:
    name = preset(models, "far", shop.offer("/far", CONTENT))
    with pytest.raises(ModelMissing) as refused:
        resolve(TextToImage(preset=name), Settings(models_path=models))
    command = str(refused.value).rpartition(": ")[2]
    assert f"--models-path {models}" in command
    ended = typed(command, models, shop)
    assert ended.returncode == 0, ended.stderr
    assert "far needs 2.0 MB" in ended.stdout
    assert "[####################]  100 %" in ended.stdout
    assert (models / "checkpoints" / "far.ckpt").read_bytes() == CONTENT
    assert "is there" in typed("launch.py download far", models, shop).stdout


def test_a_known_file_is_fetched_by_its_name_from_a_mirror(models: Path, shop: Site) -> None:
    shop.offer("/lllyasviel/fooocus_inpaint/resolve/main/inpaint.fooocus.patch", CONTENT)
    mirror = {"GESSO_HF_MIRROR": f"http://{shop.host}/"}
    ended = typed("launch.py download inpaint.fooocus.patch", models, shop, **mirror)
    assert ended.returncode == 0, ended.stderr
    assert (models / "inpaint" / "inpaint.fooocus.patch").read_bytes() == CONTENT


def test_a_captioner_is_fetched_whole_by_the_command_of_the_refusal(models: Path, shop: Site) -> None:
    with pytest.raises(ModelMissing) as refused:
        describe(DescribeAsked(image=Path("x"), model=BLIP), Settings(models_path=models), "")
    for _, file in models_by_name()[BLIP]:
        shop.offer(f"/Salesforce/{file.replace('/', '/resolve/main/')}", CONTENT[: len(file)])
    ended = typed(str(refused.value).rpartition(": ")[2], models, shop, GESSO_HF_MIRROR=f"http://{shop.host}/")
    assert ended.returncode == 0, ended.stderr
    for folder, file in models_by_name()[BLIP]:
        assert (models / folder / file).read_bytes() == CONTENT[: len(file)]


def test_a_detector_is_fetched_with_what_it_needs_and_gone_on_with(
    models: Path, shop: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = MaskAsked(image=Path("x"), dino_prompt_text="cat", dino_model=OGC)
    with pytest.raises(ModelMissing, match=rf"launch\.py download {OGC}") as refused:
        find(asked, Settings(models_path=models), Usual(mask_model="", sam_model="gesso-sam", dino_model=""))
    assert refused.value.field == "dino_model"
    weights = shop.offer(f"/{OGC}.pth", CONTENT, cuts=[10**9, 10**9, 1_500_000])  # two looks come first
    words = shop.offer("/vocab.txt", b"[PAD]\nword\n")
    (models / "grounding_dino" / "other").mkdir(parents=True)
    (models / "grounding_dino" / "other" / "vocab.txt").touch()
    sources = {"rembg": {}, "sam": {}, "grounding_dino": {OGC: {f"{OGC}.pth": weights, "bert/vocab.txt": words}}}
    (models / "sources.json").write_text(json.dumps(sources), encoding="utf-8")
    monkeypatch.setattr("masking.weights.SOURCES", models / "sources.json")
    fetching = [OGC, "--models-path", str(models), "--download-hosts", shop.host]
    forget_sources()
    try:
        assert download.main(fetching) == 0, capsys.readouterr().err
        assert download.main(fetching) == 0
    finally:
        forget_sources()
    assert "Everything that" in capsys.readouterr().out
    assert (models / "grounding_dino" / f"{OGC}.pth").read_bytes() == CONTENT
    assert (models / "grounding_dino" / "bert" / "vocab.txt").read_bytes() == b"[PAD]\nword\n"
    assert len([range for range in shop.ranges_of(f"/{OGC}.pth") if range.startswith("bytes=")]) == 1


def test_every_known_file_is_of_a_site_that_may_be_called() -> None:
    sites = Sites(Settings())
    for url in known_sources().values():
        assert sites.first(url).scheme == "https"


def test_a_proxy_of_the_environment_is_used(models: Path, shop: Site) -> None:
    shop.offer("/behind", CONTENT)
    name = preset(models, "behind", "http://models.test/behind")
    proxy = {"http_proxy": f"http://{shop.host}", "no_proxy": "", "GESSO_DOWNLOAD_HOSTS": "models.test"}
    words = f"launch.py download {name} --download-hosts models.test"
    command = [sys.executable, *words.split(), "--no-setup", "--models-path", str(models)]
    around = os.environ | proxy
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=around, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert (models / "checkpoints" / "behind.ckpt").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("launch.py download startr", "starter"),
        ("launch.py download behnid", "nearest"),
        ("launch.py download ../x", "no"),
    ],
)
def test_what_nobody_knows_is_refused_with_the_nearest(models: Path, shop: Site, words: str, said: str) -> None:
    ended = typed(words, models, shop)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert said in ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C reaches a whole console there")
def test_ctrl_c_leaves_a_part_that_the_same_command_goes_on_with(models: Path, shop: Site) -> None:
    name = preset(models, "slow", shop.offer("/cli-slow", CONTENT, pause_s=3))
    command = [sys.executable, "-m", "server.download", name, "--models-path", str(models)]
    command += ["--download-hosts", shop.host]
    part = models / "checkpoints" / "slow.ckpt.partial"
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: part.is_file() and part.stat().st_size > 0)
    second = typed(f"launch.py download {name}", models, shop)
    assert second.returncode == 1
    assert "Another program is fetching" in second.stderr
    process.send_signal(signal.SIGINT)
    assert "goes on where this one was" in process.communicate(timeout=30)[1]
    assert process.returncode == 130
    had = part.stat().st_size
    shop.files["/cli-slow"].pause_s = 0
    assert typed(f"launch.py download {name}", models, shop).returncode == 0
    assert shop.ranges_of("/cli-slow")[-1] == f"bytes={had}-"
    assert (models / "checkpoints" / "slow.ckpt").read_bytes() == CONTENT


def test_a_full_disk_is_told_before_anything_comes(
    models: Path, shop: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = preset(models, "big", shop.offer("/big", CONTENT))
    usage = shutil.disk_usage(models.parent)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=257 << 20))
    assert download.main([name, "--models-path", str(models), "--download-hosts", shop.host]) == 1
    assert "270.4 MB are needed, 269.5 MB are free" in capsys.readouterr().err
    assert not (models / "checkpoints" / "big.ckpt.partial").exists()


def test_without_a_net_it_says_which_file_to_put_where(models: Path, shop: Site) -> None:
    ended = typed("launch.py download anime", models, shop, GESSO_HF_MIRROR=f"http://127.0.0.1:{free_port()}")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "cannot be reached" in ended.stderr
    assert str(models / "checkpoints" / "animaPencilXL_v500.safetensors") in ended.stderr
