"""Downloads over HTTP, from a site on this machine: what a preset needs comes whole, or not at all."""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.receiving import until
from tests.server.running import Running, free_port, start
from tests.server.site import Site, site

DOWNLOADS = "/v1/engines/downloads"
LARGE = random.Random(1).randbytes(3_000_000)
LARGE_SUM = hashlib.sha256(LARGE).hexdigest()


@pytest.fixture(scope="module")
def shop() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "models"
    (folder.parent / "presets").mkdir()
    return folder


@pytest.fixture(scope="module")
def fetching(tmp_path_factory: pytest.TempPathFactory, models: Path, shop: Site) -> Iterator[Running]:
    """A server that may fetch from the site."""
    running = start(tmp_path_factory.mktemp("fetching"), models, "--download-hosts", shop.host)
    try:
        running.wait("/healthz")
        yield running
    finally:
        assert running.stop() == 0, running.log


def preset(models: Path, name: str, url: str, **more: Any) -> str:
    """A preset whose checkpoint `<name>.ckpt` is to be had at that URL; its name."""
    told = {"default_model": f"{name}.ckpt", "default_mask_model": "none", "default_loras": []} | more
    told["checkpoint_downloads"] = {f"{name}.ckpt": url}
    (models.parent / "presets" / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    return name


def begun(server: Running, name: str) -> str:
    answer = server.client.post(f"/v1/engines/presets/{name}/download")
    assert answer.status_code == 202, answer.text
    download_id: str = answer.json()["id"]
    return download_id


def told(server: Running, download_id: str) -> dict[str, Any]:
    record: dict[str, Any] = server.client.get(f"{DOWNLOADS}/{download_id}").json()
    return record


def ended(server: Running, name: str) -> dict[str, Any]:
    """The record of a download, once it has ended."""
    download_id = begun(server, name)
    until(lambda: told(server, download_id)["state"] not in ("waiting", "running"))
    return told(server, download_id)


def failed(server: Running, models: Path, name: str) -> str:
    """Why a download failed, of which nothing may be left that could be taken for a model."""
    record = ended(server, name)
    assert record["state"] == "failed"
    assert not (models / "checkpoints" / f"{name}.ckpt").exists()
    error: str = record["error"]
    return error


def left(models: Path, name: str) -> list[str]:
    """What lies in the folder of a checkpoint's name."""
    return sorted(path.name for path in (models / "checkpoints").glob(f"{name}*"))


def test_all_that_a_preset_needs_comes_into_its_folders(fetching: Running, models: Path, shop: Site) -> None:
    files = {"loras": "sub/l.safetensors", "vae": "v.safetensors", "embeddings": "e.bin"}
    tensors = json.dumps({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}).encode()
    small = len(tensors).to_bytes(8, "little") + tensors + b"1234"
    urls = {folder: shop.offer(f"/all/{name}", small) for folder, name in files.items()}
    more = {
        "default_vae": "v.safetensors",
        "lora_downloads": {files["loras"]: urls["loras"]},
        "embeddings_downloads": {files["embeddings"]: urls["embeddings"]},
        "vae_downloads": {files["vae"]: urls["vae"]},
    }
    name = preset(models, "all", shop.offer("/all.ckpt", LARGE), **more)
    record = ended(fetching, name)
    assert (record["state"], record["error"]) == ("finished", None)
    assert record["bytes"] == record["total"] == len(LARGE) + 3 * len(small)
    assert (models / "checkpoints" / "all.ckpt").read_bytes() == LARGE
    assert all((models / folder / file).read_bytes() == small for folder, file in files.items())
    assert not list(models.rglob("*partial*"))
    assert "all.ckpt" in fetching.client.get("/v1/engines/all-models").json()["model_filenames"]


def test_what_is_there_is_not_fetched_again(fetching: Running, models: Path, shop: Site) -> None:
    (models / "checkpoints").mkdir(parents=True, exist_ok=True)
    (models / "checkpoints" / "there.ckpt").write_bytes(b"mine")
    name = preset(models, "there", shop.offer("/there.ckpt", b"theirs"))
    record = ended(fetching, name)
    assert (record["state"], record["files"]) == ("finished", [])
    assert (models / "checkpoints" / "there.ckpt").read_bytes() == b"mine"


def test_the_size_is_told_before_anything_comes(fetching: Running, models: Path, shop: Site) -> None:
    name = preset(models, "sized", shop.offer("/sized.ckpt", LARGE))
    plan = fetching.client.get(f"/v1/engines/presets/{name}/download").json()
    assert (plan["total"], plan["bytes"], plan["files"][0]["name"]) == (len(LARGE), 0, "sized.ckpt")
    assert plan["free"] > 0
    assert left(models, name) == []


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_a_line_that_breaks_is_called_again(fetching: Running, models: Path, shop: Site, ranges: bool) -> None:
    name = f"cut{ranges}"
    url = shop.offer(f"/{name}", LARGE, ranges=ranges, cuts=[10**9, 2_000_000])  # the first answer is only looked at
    assert ended(fetching, preset(models, name, f"{url}#sha256={LARGE_SUM}"))["state"] == "finished"
    assert (models / "checkpoints" / f"{name}.ckpt").read_bytes() == LARGE
    again = shop.ranges_of(f"/{name}")[-1]
    assert again.startswith("bytes=")
    assert int(again.removeprefix("bytes=").rstrip("-")) <= 2_000_000


def test_called_off_it_stays_in_part_and_is_gone_on_with(fetching: Running, models: Path, shop: Site) -> None:
    name = preset(models, "slow", shop.offer("/slow", LARGE, pause_s=0.1))
    download_id = begun(fetching, name)
    assert begun(fetching, name) == download_id
    until(lambda: told(fetching, download_id)["bytes"] > 1_000_000)
    assert told(fetching, download_id)["speed"] > 0
    record = fetching.client.delete(f"{DOWNLOADS}/{download_id}").json()
    assert record["state"] == "stopped"
    assert left(models, name) == ["slow.ckpt.partial", "slow.ckpt.partial.json"]
    assert "slow" not in fetching.client.get("/v1/engines/all-models").text
    assert fetching.client.delete(f"{DOWNLOADS}/{download_id}").status_code == 409
    had = (models / "checkpoints" / "slow.ckpt.partial").stat().st_size
    shop.files["/slow"].pause_s = 0
    assert fetching.client.get(f"/v1/engines/presets/{name}/download").json()["bytes"] == had
    assert ended(fetching, name)["state"] == "finished"
    assert shop.ranges_of("/slow")[-1] == f"bytes={had}-"
    assert (models / "checkpoints" / "slow.ckpt").read_bytes() == LARGE


def test_a_file_that_changed_meanwhile_is_begun_anew(fetching: Running, models: Path, shop: Site) -> None:
    name = preset(models, "changed", shop.offer("/changed", LARGE, pause_s=0.1))
    download_id = begun(fetching, name)
    until(lambda: told(fetching, download_id)["bytes"] > 1_000_000)
    fetching.client.delete(f"{DOWNLOADS}/{download_id}")
    other = LARGE[::-1]
    shop.offer("/changed", other)
    assert ended(fetching, name)["state"] == "finished"
    assert (models / "checkpoints" / "changed.ckpt").read_bytes() == other


def test_another_file_than_the_sum_says_is_thrown_away(fetching: Running, models: Path, shop: Site) -> None:
    name = preset(models, "wrong", shop.offer("/wrong", LARGE) + f"#sha256={'ab' * 32}")
    error = failed(fetching, models, name)
    assert "ab" * 32 in error
    assert LARGE_SUM in error
    assert left(models, name) == []


def test_a_sum_that_the_site_tells_is_checked_too(fetching: Running, models: Path, shop: Site) -> None:
    there = shop.offer("/told/there", LARGE)
    url = shop.offer("/told", status=302, moved_to=there, headers={"X-Linked-ETag": f'"{"cd" * 32}"'})
    assert "cd" * 32 in failed(fetching, models, preset(models, "told", url))
    shop.files["/told"].headers["X-Linked-ETag"] = f'"{LARGE_SUM}"'
    assert ended(fetching, "told")["state"] == "finished"


def test_a_file_of_unknown_length_is_taken_only_if_its_end_can_be_told(
    fetching: Running, models: Path, shop: Site
) -> None:
    url = shop.offer("/endless", LARGE, length="")
    assert "does not say how long it is" in failed(fetching, models, preset(models, "endless", url))
    assert ended(fetching, preset(models, "endless", f"{url}#sha256={LARGE_SUM}"))["state"] == "finished"
    chunked = preset(models, "chunked", shop.offer("/chunked", LARGE, chunked=True))
    assert ended(fetching, chunked)["state"] == "finished"
    assert (models / "checkpoints" / "chunked.ckpt").read_bytes() == LARGE


def test_a_damaged_safetensors_file_is_known_without_a_sum(fetching: Running, models: Path, shop: Site) -> None:
    url = shop.offer("/damaged", b"these are no tensors")
    name = preset(models, "damaged", shop.offer("/d.ckpt", b"x"), vae_downloads={"damaged.safetensors": url})
    record = ended(fetching, name)
    assert (record["state"], [file["state"] for file in record["files"]]) == ("failed", ["finished", "failed"])
    assert "no whole safetensors file" in record["error"]
    assert not (models / "vae" / "damaged.safetensors").exists()


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"status": 404}, "answered with 404"),
        ({"status": 403}, "known there"),
        ({"content": b"<html>", "kind": "text/html; charset=utf-8"}, "gives a page"),
        ({"content": b"x", "length": "1" + "0" * 15}, "too little room"),
        ({"status": 302, "moved_to": "http://localhost:1/elsewhere"}, "--download-hosts"),
        ({"status": 302, "moved_to": "file:///etc/passwd"}, "--download-hosts"),
        ({"status": 302, "moved_to": "/odd"}, "redirected more than"),
    ],
    ids=["missing", "login", "page", "disk", "redirected", "file", "circle"],
)
def test_what_cannot_be_had_says_why_and_what_to_do(
    fetching: Running, models: Path, shop: Site, how: dict[str, Any], why: str
) -> None:
    error = failed(fetching, models, preset(models, "odd", shop.offer("/odd", **how)))
    assert why in error
    assert "--models-path" in error if "room" in why else str(models / "checkpoints" / "odd.ckpt") in error
    assert left(models, "odd") == []


def test_without_a_net_it_says_which_file_to_put_where(tmp_path: Path, models: Path) -> None:
    running = start(tmp_path, models, "--hf-mirror", f"http://127.0.0.1:{free_port()}")
    try:
        running.wait("/healthz")
        error = ended(running, "anime")["error"]
        assert "cannot be reached" in error
        assert str(models / "checkpoints" / "animaPencilXL_v500.safetensors") in error
        answer = running.client.get("/v1/engines/presets/anime/download")
        assert answer.status_code == 502
    finally:
        running.stop()


@pytest.mark.parametrize(
    "url",
    ["http://huggingface.co/x", "https://huggingface.co.example/x", "https://example.com/x", "http://127.0.0.1:1/x",
     "ftp://github.com/x", "file:///etc/passwd", "https://huggingface.co:8443/x", "nonsense"],
)  # fmt: skip
def test_other_sites_are_refused_before_anything_is_called(fetching: Running, models: Path, url: str) -> None:
    answer = fetching.client.post(f"/v1/engines/presets/{preset(models, 'other', url)}/download")
    assert answer.status_code == 422
    assert "--download-hosts" in answer.json()["detail"][0]["msg"]


@pytest.mark.parametrize(
    "name", ["../out.ckpt", "/tmp/out.ckpt", "..\\out.ckpt", "a/../../out.ckpt", "run.py", ".x.bin"]
)
def test_no_file_gets_out_of_its_folder(fetching: Running, models: Path, shop: Site, name: str) -> None:
    url = shop.offer("/out", b"x")
    told = preset(models, "out", shop.offer("/out.ckpt", b"x"), vae_downloads={name: url})
    answer = fetching.client.post(f"/v1/engines/presets/{told}/download")
    assert answer.status_code == 422
    assert "must stay in its folder" in answer.json()["detail"][0]["msg"]


def test_a_file_that_nobody_has_is_424_with_its_place(fetching: Running, models: Path) -> None:
    told = {"default_model": "mine-alone.safetensors", "default_mask_model": "none"}
    (models.parent / "presets" / "alone.json").write_text(json.dumps(told), encoding="utf-8")
    answer = fetching.client.post("/v1/engines/presets/alone/download")
    assert (answer.status_code, answer.json()["field"]) == (424, "preset")
    assert str(models / "checkpoints" / "mine-alone.safetensors") in answer.json()["detail"]


def test_an_unknown_preset_is_422_and_an_unknown_download_404(fetching: Running) -> None:
    answer = fetching.client.post("/v1/engines/presets/anme/download")
    assert answer.status_code == 422
    assert "anime" in answer.json()["detail"][0]["msg"]
    for method, path in (("GET", "/x"), ("DELETE", "/x"), ("GET", "/x/events")):
        assert fetching.client.request(method, DOWNLOADS + path).status_code == 404


def test_progress_comes_as_events_until_the_end(fetching: Running, models: Path, shop: Site) -> None:
    name = preset(models, "events", shop.offer("/events", LARGE, pause_s=0.03))
    download_id = begun(fetching, name)
    answer = fetching.client.get(f"{DOWNLOADS}/{download_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    records = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert len(records) > 2
    assert [record["bytes"] for record in records] == sorted(record["bytes"] for record in records)
    assert (records[-1]["state"], records[-1]["bytes"]) == ("finished", len(LARGE))
    listed = fetching.client.get(DOWNLOADS).json()
    assert listed[-1] == records[-1]


def test_one_comes_after_the_other(fetching: Running, models: Path, shop: Site) -> None:
    first = begun(fetching, preset(models, "first", shop.offer("/first", LARGE, pause_s=0.05)))
    second = begun(fetching, preset(models, "second", shop.offer("/second", LARGE)))
    until(lambda: told(fetching, first)["state"] == "running")
    assert told(fetching, second)["state"] == "waiting"
    assert fetching.client.delete(f"{DOWNLOADS}/{second}").json()["state"] == "stopped"
    until(lambda: told(fetching, first)["state"] == "finished")
    assert shop.ranges_of("/second") == []


def test_a_server_that_is_stopped_meanwhile_goes_on_after_its_restart(tmp_path: Path, models: Path, shop: Site) -> None:
    name = preset(models, "later", shop.offer("/later", LARGE, pause_s=0.1))
    running = start(tmp_path, models, "--download-hosts", shop.host)
    running.wait("/healthz")
    download_id = begun(running, name)
    until(lambda: told(running, download_id)["bytes"] > 1_000_000)
    assert running.stop() == 0, running.log
    assert left(models, name) == ["later.ckpt.partial", "later.ckpt.partial.json"]
    shop.files["/later"].pause_s = 0
    running = start(tmp_path, models, "--download-hosts", shop.host)
    running.wait("/healthz")
    assert ended(running, name)["state"] == "finished"
    assert shop.ranges_of("/later")[-1] > "bytes=1000000-"
    running.stop()
    assert (models / "checkpoints" / "later.ckpt").read_bytes() == LARGE
