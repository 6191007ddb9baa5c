"""What an edit tells of its join, and masks that are grey."""

import json

import numpy as np
from PIL import Image

from tests.server.running import Running, as_text


def test_an_edit_tells_how_it_was_joined(server: Running, photo: Image.Image, box_mask: Image.Image) -> None:
    record = server.made(
        inpaint_input_image=as_text(photo), inpaint_mask_image_upload=as_text(box_mask), image_number=2
    )
    reports = record["edit_report"]
    assert len(reports) == 2
    for report in reports:
        assert report["known_changed_by"] == 0
        assert report["seam_colour"] > 0
        assert {"tone", "poisson"} <= set(report["done"])
    assert server.client.get(f"/tasks/{record['task_id']}").json()["edit_report"] == reports


def test_what_is_no_edit_has_no_report(server: Running) -> None:
    assert "edit_report" not in server.made(aspect_ratios_selection="64*64")


def test_bytes_carry_the_report_in_a_header(server: Running, photo: Image.Image) -> None:
    answer = server.client.post(
        "/v1/engine/generate",
        json={"inpaint_input_image": as_text(photo), "outpaint_selections": ["Left"], "overwrite_step": 2},
        headers={"Accept": "image/png"},
    )
    assert json.loads(answer.headers["X-Gesso-Edit-Report"])["known_changed_by"] == 0


def test_a_seam_is_repaired_unless_it_shall_not(server: Running) -> None:
    """Random weights paint noise: on a plain picture its edge is plain to see."""
    plain, mask = Image.new("RGB", (72, 56), (90, 120, 60)), Image.new("L", (72, 56))
    mask.paste(255, (20, 16, 44, 40))
    asked = {"inpaint_input_image": as_text(plain), "inpaint_mask_image_upload": as_text(mask), "image_seed": 5}
    left, mended = (server.made(**asked, overwrite_step=6, seam_repair=repair) for repair in (False, True))
    assert "repair" not in left["edit_report"][0]["done"]
    assert left["edit_report"][0]["unrepaired"] is None
    first, second = left["edit_report"][0], mended["edit_report"][0]
    assert max(first["seam_colour"], first["seam_slope"]) > 3
    if "repair" in second["done"]:
        assert second["seam_colour"] + second["seam_slope"] < first["seam_colour"] + first["seam_slope"]
        assert second["unrepaired"] == first["seam_colour"]
    assert second["known_changed_by"] == 0


def test_the_darker_the_grey_the_less_is_painted_anew(server: Running, photo: Image.Image) -> None:
    asked = {"inpaint_input_image": as_text(photo), "overwrite_step": 10, "image_seed": 2, "seam_repair": False}
    changes = []
    for grey in (0, 60, 110, 255):
        mask = Image.new("L", (72, 56))
        mask.paste(grey or 31, (8, 8, 64, 48))
        mask.putpixel((70, 54), 255)
        made = server.made(**asked, inpaint_mask_image_upload=as_text(mask), inpaint_respective_field=1.0)
        change = np.abs(np.asarray(server.picture(made["result"][0])).astype(int) - np.asarray(photo))
        assert made["edit_report"][0]["known_changed_by"] == 0
        changes.append(change[12:44, 12:60].mean())
    assert changes[0] == 0
    assert changes == sorted(changes)
    assert changes[1] < 0.9 * changes[3]
