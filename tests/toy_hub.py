"""Hugging Face's hub on this machine: a folder, published as the hub publishes repositories."""

import json
from pathlib import Path

from tests.server.site import Site

LARGE = (".safetensors", ".bin")
"""Files that the hub keeps elsewhere, and of which it tells the sum."""


def publish(hub: Site, store: Site, name: str, folder: Path) -> None:
    """Give a folder away as the repository `name`; its large files lie at `store`, to which the hub redirects."""
    listed = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        file, content = path.relative_to(folder).as_posix(), path.read_bytes()
        there = f"/{name}/resolve/main/{file}"
        told = {"rfilename": file, "size": len(content), "blobId": "0" * 40}
        if path.suffix in LARGE:
            url = store.offer(f"/lfs/{name}/{file}", content)
            sum_ = store.files[f"/lfs/{name}/{file}"].sha256
            hub.offer(there, status=302, moved_to=url, headers={"X-Linked-ETag": f'"{sum_}"'})
            told["lfs"] = {"sha256": sum_, "size": len(content), "pointerSize": 134}
        else:
            hub.offer(there, content, kind="text/plain; charset=utf-8")
        listed.append(told)
    about = json.dumps({"id": name, "sha": "1" * 40, "gated": False, "siblings": listed}).encode()
    hub.offer(f"/api/models/{name}?blobs=true", about, kind="application/json; charset=utf-8")
