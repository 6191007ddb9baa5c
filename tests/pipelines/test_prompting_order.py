"""What one image is painted from: tags, wildcards, arrays, styles, further lines, expansion, in this order."""

import dataclasses
import json

import pytest

from configs.settings import ROOT
from masking.errors import InvalidValue
from pipelines import styles
from pipelines.expansion import expand, expand_all
from pipelines.prompting import LoraTag, compose, expanded, take_loras


@pytest.fixture
def folder(tmp_path):
    """A user's folder with styles of every shape and two wildcards."""
    told = [
        {"name": "oil", "prompt": "oil painting of {prompt}", "negative_prompt": "photo\nblur"},
        {"name": "two lines", "prompt": "{prompt}, close\nmany colours", "negative_prompt": ""},
        {"name": "no place", "prompt": "soft light"},
    ]
    for name, text in (
        ("sdxl_styles/mine.json", json.dumps(told)),
        ("wildcards/pet.txt", "cat\ndog\n[[hen, cock]]\nfox <lora:fur:0.3>"),
        ("wildcards/place.txt", "a garden\na harbour"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def worded(folder, prompt="a __pet__", negative="", names=(), *, index=0, seed=1):
    return compose(prompt, negative, names, index=index, seed=seed, wildcards_in_order=True, user_folder=folder)


def test_without_styles_the_lines_of_the_prompt_are_the_chunks(folder):
    wording = worded(folder, "a cup\n\n  on a table \n", "text\nblur")
    assert wording.positive == ("a cup", "on a table")
    assert wording.negative == ("text", "blur")
    assert (wording.expansion, wording.loras, wording.styles, wording.warnings) == ("", (), (), ())


def test_an_empty_prompt_still_has_something_to_encode(folder):
    wording = worded(folder, "", "", [styles.EXPANSION])
    assert (wording.positive, wording.negative, wording.expansion) == (("",), ("",), "")


def test_every_line_of_a_template_is_a_chunk_and_further_lines_follow(folder):
    wording = worded(folder, "a __pet__\nin __place__", "text", ["oil", "Two Lines"], index=1)
    assert wording.positive == ("oil painting of a dog", "a dog, close", "many colours", "in a harbour")
    assert wording.negative == ("text", "photo", "blur")
    assert wording.styles == ("Oil", "Two Lines")


def test_where_no_style_has_a_place_for_it_the_prompt_comes_first(folder):
    assert worded(folder, "a cup", names=["No Place"]).positive == ("a cup", "soft light")
    assert worded(folder, "a cup", names=["No Place", "Oil"]).positive == ("soft light", "oil painting of a cup")


def test_an_array_gives_each_image_its_own_choice_and_starts_over(folder):
    said = [worded(folder, "a [[red, green ,blue]] [[cup,jug]]", index=index).positive[0] for index in range(4)]
    assert said == ["a red cup", "a green jug", "a blue cup", "a red jug"]


def test_arrays_and_wildcards_work_in_the_negative_prompt_and_in_each_other(folder):
    assert worded(folder, "x", "a [[big, small]] __pet__", index=1).negative == ("a small dog",)
    assert worded(folder, "a __pet__", index=2).positive == ("a hen",)
    assert worded(folder, "[[a __pet__, in __place__]]", index=1).positive == ("in a harbour",)


def test_lora_tags_are_taken_out_of_every_line(folder):
    wording = worded(folder, "a cup, <lora:detail-xl:0.8>, red\n<LORA:sub/my__pet__:-1> lamp<lora:glow>")
    assert wording.positive == ("a cup, red", "lamp")
    assert wording.loras == (
        LoraTag(name="detail-xl", weight=0.8),
        LoraTag(name="sub/my__pet__", weight=-1.0),
        LoraTag(name="glow", weight=1.0),
    )


def test_a_wildcards_line_may_bring_a_lora(folder):
    wording = worded(folder, "a __pet__", index=3)
    assert (wording.positive, wording.loras) == (("a fox",), (LoraTag(name="fur", weight=0.3),))


def test_a_lora_in_the_negative_prompt_is_left_out_and_told(folder):
    wording = worded(folder, "a cup", "text <lora:bad:1>")
    assert (wording.negative, wording.loras) == (("text",), ())
    assert "'bad'" in wording.warnings[0]


@pytest.mark.parametrize("weight", ["strong", "", "nan", "inf", "1:2"])
def test_a_lora_weight_that_is_no_number_is_refused(weight):
    with pytest.raises(InvalidValue, match="write <lora:glow"):
        take_loras(f"<lora:glow:{weight}>")


def test_attention_weights_and_single_brackets_are_left_to_the_text_encoder(folder):
    prompt = "a (red:1.3) cup, [dim], ((bright)), , <b>"
    assert worded(folder, prompt).positive == (prompt,)


def test_an_unknown_style_is_refused_with_the_nearest_names(folder):
    with pytest.raises(InvalidValue, match=r"There is no style 'Oli'.*Oil"):
        worded(folder, names=["Oli"])


def test_an_unknown_wildcard_is_told_once(folder):
    assert len(worded(folder, "__pett__ and __pett__").warnings) == 1


def test_random_style_is_drawn_by_the_seed_and_named():
    drawn = [compose("a cup", "", ["Random Style"], index=0, seed=seed) for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len({wording.styles for wording in drawn}) > 1
    assert drawn[0].styles[0] in styles.load()
    assert "a cup" in drawn[0].positive[0]


def test_a_wildcard_more_does_not_change_the_random_style():
    two = [compose(prompt, "", ["Random Style"], index=0, seed=7) for prompt in ("a cup", "a __color__ cup")]
    assert two[0].styles == two[1].styles


def test_the_expansion_speaks_of_the_main_line_and_is_a_chunk_of_its_own(folder):
    plain = worded(folder, "a __pet__\nin __place__", names=["Oil"], seed=5)
    asking = worded(folder, "a __pet__\nin __place__", names=["Oil", "Fooocus V2"], seed=5)
    empty = worded(folder, "", names=["Fooocus V2"], seed=5)
    left, wording, silent = expanded([plain, asking, empty], [4, 5, 6], expand_all)
    assert left.expansion == silent.expansion == ""
    assert wording.positive == ("oil painting of a cat", "in a garden")
    assert wording.expansion == expand("a cat", 5)
    assert wording.styles == ("Oil", "Fooocus V2")


def test_an_expansion_is_the_prompt_and_more_by_its_seed_alone():
    said = {expand("an old lighthouse", seed) for seed in range(20)}
    assert len(said) == 20
    assert all(text.startswith("an old lighthouse, ") for text in said)
    assert expand("an old lighthouse", 3) == expand("an old lighthouse", 3)


@pytest.mark.parametrize(
    ("prompt", "topic"), [("two foxes, three cats", "animal"), ("a Castle", "place"), ("oak trees", "landscape")]
)
def test_an_expansion_suits_what_the_prompt_speaks_of(prompt, topic):
    suiting = set(json.loads((ROOT / "configs" / "expansion.json").read_text("utf-8"))["subjects"][topic]["words"])
    assert suiting & set(expand(prompt, 4).split(", "))
    assert not suiting & set(expand("a thing", 4).split(", "))


@pytest.mark.parametrize("seed", range(20))
def test_an_expansion_repeats_neither_the_prompt_nor_itself(seed):
    said = expand("a castle by the sea, moonlit edges, balanced composition, far horizon", seed).split(", ")
    assert len(said) == len(set(said))


def test_a_wording_is_frozen_and_the_same_for_the_same_arguments(folder):
    one, other = (compose("__pet__", "", ["oil"], index=3, seed=9, user_folder=folder) for _ in range(2))
    assert one == other
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.expansion = "x"  # type: ignore[misc]


def test_a_prompt_of_brackets_alone_takes_no_time(folder):
    assert worded(folder, "[[" * 50_000).positive == ("[[" * 50_000,)
