"""What the starter's SAM and GroundingDINO are taught, and that what a training leaves is what transformers loads."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training import album, dino, phrases, sam
from training.scenes import Scene, Thing


def thing(kind: str, colour: str, x: float, y: float = 160) -> Thing:
    return Thing(kind=kind, colour=colour, x=x, y=y, radius=36)


def page(*things: Thing) -> album.Page:
    scene = Scene(place="meadow", things=things, width=256, height=256, horizon=140.0, seed=1)
    return album.page_of(scene, 128)


def read(folder: Path, text: str) -> list[str]:
    tokenizer = phrases.make_tokenizer(folder)
    return tokenizer.convert_ids_to_tokens(tokenizer(text).input_ids)


def test_a_page_has_a_tight_box_around_what_is_seen_of_each_thing() -> None:
    shown = page(thing("ball", "red", 70), thing("box", "blue", 180))
    for i in (0, 1):
        ys, xs = np.nonzero(shown.labels == i + 1)
        edges = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) / 128
        assert np.abs(edges - shown.boxes[i]).max() < 0.012


def test_what_is_hidden_cannot_be_asked_for() -> None:
    assert page(thing("star", "red", 128), thing("box", "blue", 128)).seen() == [1]


def test_words_name_what_they_say_and_nothing_else() -> None:
    ball = thing("ball", "red", 70)
    assert phrases.plain("red", "ball").names(ball)
    assert phrases.plain(None, "ball").names(ball)
    assert phrases.plain("red", None).names(ball)
    assert not phrases.plain("blue", "ball").names(ball)
    assert not phrases.plain("red", "box").names(ball)
    assert not any(phrases.strange(np.random.default_rng(i)).names(ball) for i in range(20))


def test_about_as_many_questions_have_an_answer_as_not() -> None:
    rng = np.random.default_rng(5)
    answered = []
    for _ in range(400):
        scene = album.scene(rng, 256, 256)
        answered += [any(map(asked.names, scene.things)) for asked in phrases.questions(rng, scene)]
    assert 0.4 < np.mean(answered) < 0.75


def test_the_words_of_the_world_are_whole_tokens_and_others_fall_apart(tmp_path: Path) -> None:
    assert read(tmp_path, "golden sailing boats . zorb ?") == [
        *("[CLS]", "golden", "sailing", "boats", "."),
        *("z", "##o", "##r", "##b", "?", "[SEP]"),
    ]


def test_special_words_have_the_ids_that_grounding_dino_looks_for(tmp_path: Path) -> None:
    assert phrases.make_tokenizer(tmp_path)("?.").input_ids == [101, 1029, 1012, 102]


def test_every_thing_is_named_by_the_words_of_all_phrases_that_mean_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [phrases.plain(None, "ball"), phrases.plain("red", "ball"), phrases.plain("green", "tree")]
    monkeypatch.setattr(phrases, "questions", lambda rng, scene: asked)
    shown = page(thing("ball", "red", 70), thing("ball", "blue", 180))
    given = dino.lesson(np.random.default_rng(0), [shown], phrases.make_tokenizer(tmp_path))
    # [CLS] ball . red ball . green tree . [SEP]
    assert given.words[0].int().tolist() == [[0, 1, 0, 1, 1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]]
    assert np.allclose(given.boxes[0][:, 0], [70 / 256, 180 / 256], atol=0.02)


def test_queries_answer_what_they_start_from_half_way_or_else_the_nearest_does() -> None:
    boxes = torch.tensor([[0.3, 0.3, 0.2, 0.2], [0.8, 0.8, 0.1, 0.1]])
    start = torch.tensor([[0.31, 0.3, 0.2, 0.2], [0.34, 0.34, 0.2, 0.2], [0.3, 0.3, 0.22, 0.2], [0.6, 0.6, 0.1, 0.1]])
    must, may = dino._queries(boxes, start)
    assert must.tolist() == [[True, False, True, False], [False, False, False, True]]
    assert may[0].tolist() == [True, True, True, False]
    assert dino._queries(torch.zeros(0, 4), start)[0].shape == (0, 4)


def test_every_picture_learns_its_own_words() -> None:
    words = [torch.eye(4)[[k]].bool() for k in range(3)]
    given = dino.Lesson(
        pictures=torch.zeros(0),
        ids=torch.zeros(3, 4),
        known=torch.ones(3, 4),
        words=words,
        boxes=[torch.full((1, 4), 0.5)] * 3,
        kinds=torch.zeros(0),
        colours=torch.zeros(0),
    )
    answers = [(torch.tensor([[False, True]]), torch.tensor([[False, True]]))] * 3
    said = torch.full((3, 2, 4), -4.0)
    for k in range(3):
        said[k, 1, k] = 4
    places = torch.zeros(3, 2, 4)
    assert dino._answer_loss(given, said, places, answers) < 0.1
    assert dino._answer_loss(given, said.flip(0), places, answers) > 1


def test_a_trained_sam_is_a_folder_that_transformers_loads(tmp_path: Path) -> None:
    from transformers import AutoImageProcessor, SamModel

    sam.run(tmp_path, steps=2)
    model = SamModel.from_pretrained(tmp_path / "model")
    seen = AutoImageProcessor.from_pretrained(tmp_path / "model")(np.zeros((60, 120, 3), np.uint8), return_tensors="pt")
    assert seen["reshaped_input_sizes"].tolist() == [[sam.SIDE // 2, sam.SIDE]]
    with torch.no_grad():
        told = model(seen["pixel_values"], input_boxes=torch.tensor([[[8.0, 8, 60, 50]]]), multimask_output=True)
    assert told.pred_masks.shape == (1, 1, 3, sam.SIDE // 2, sam.SIDE // 2)


def test_a_trained_dino_is_a_folder_that_transformers_loads(tmp_path: Path) -> None:
    from transformers import AutoProcessor, GroundingDinoForObjectDetection

    dino.run(tmp_path, steps=2, pages=40)
    model = GroundingDinoForObjectDetection.from_pretrained(tmp_path / "model")
    processor = AutoProcessor.from_pretrained(tmp_path / "model")
    asked = processor(images=np.zeros((90, 120, 3), np.uint8), text="red ball . boat .", return_tensors="pt")
    assert asked["pixel_values"].shape[-2:] == (96, 128)
    with torch.no_grad():
        assert model(**asked).pred_boxes.shape == (1, 32, 4)
