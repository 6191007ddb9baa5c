"""The shipped captioner, through the server's own door, on scenes that no training saw."""

import numpy as np
import pytest
from PIL import Image

from configs.settings import ROOT
from tests.server.running import Running, as_text
from training import captions
from training.captioner import things_named
from training.scenes import draw, paint


@pytest.mark.parametrize(("count", "number", "least"), [(1, 12, 10), (2, 8, 5)])
def test_scenes_are_put_into_the_right_words(server: Running, count: int, number: int, least: int) -> None:
    rng = np.random.default_rng(20_261_123 + count)
    right = 0
    for _ in range(number):
        scene = draw(rng, count=count)
        image = as_text(Image.fromarray(paint(scene).picture))
        answer = server.client.post("/v1/tools/describe-image", json={"image": image}).json()
        assert answer["warnings"] == []
        assert answer["effective_params"]["describe_model"] == "gesso-captioner"
        wanted, told = captions.plain(scene), answer["describe"]
        right += told == wanted if count == 1 else things_named(told) == things_named(wanted)
    assert right >= least


def test_it_is_small() -> None:
    files = (ROOT / "models" / "starter" / "describe").rglob("*.*")
    assert sum(path.stat().st_size for path in files) < 2.5 * 2**20
