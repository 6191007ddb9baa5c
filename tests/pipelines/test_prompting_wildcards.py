"""Wildcards: lines of files in the place of `__name__`, and the files that come with Gesso."""

from collections import Counter
from random import Random

import pytest

from masking.errors import InvalidValue
from pipelines import wildcards

NAMES = ("animal", "artist", "color", "color_flower", "extended-color", "flower", "nationality")


def save(folder, name, *lines):
    path = folder / "wildcards" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


def fill(text, folder=None, *, index=0, seed=None):
    """With a seed by chance, without one in order; a warning fails the test."""
    warnings: list[str] = []
    generator = None if seed is None else Random(seed)
    filled = wildcards.fill(text, warnings, index=index, generator=generator, user_folder=folder)
    assert warnings == []
    return filled


@pytest.mark.parametrize("name", NAMES)
def test_a_list_that_comes_with_gesso_is_generous_and_tidy(name):
    entries = wildcards.places()[name].read_text(encoding="utf-8").splitlines()
    assert len(entries) > 100
    assert [entry for entry, times in Counter(entry.lower() for entry in entries).items() if times > 1] == []
    assert [entry for entry in entries if entry != entry.strip() or not entry or "__" in entry] == []


def test_in_order_each_image_takes_the_next_line_and_starts_over(tmp_path):
    save(tmp_path, "size", "small", "", "  large  ")
    taken = [fill("a __size__ cup, __size__ plate", tmp_path, index=index) for index in range(3)]
    assert taken == ["a small cup, small plate", "a large cup, large plate", "a small cup, small plate"]


def test_by_chance_the_seed_alone_decides():
    assert fill("__animal__, __flower__", seed=1) == fill("__animal__, __flower__", seed=1, index=4)
    assert len({fill("__animal__", seed=seed) for seed in range(40)}) > 25


def test_names_with_underscores_and_hyphens_and_side_by_side_are_told_apart(tmp_path):
    save(tmp_path, "a_b", "x")
    save(tmp_path, "a-b", "y")
    assert fill("__a_b____a-b__", tmp_path) == "xy"


def test_a_line_may_hold_wildcards_of_its_own(tmp_path):
    save(tmp_path, "bouquet", "three __kind__ and a __kind__")
    save(tmp_path, "kind", "roses")
    assert fill("__bouquet__", tmp_path) == "three roses and a roses"


def test_files_that_name_each_other_without_end_are_refused(tmp_path):
    save(tmp_path, "hen", "__egg__ __egg__")
    save(tmp_path, "egg", "__hen__")
    with pytest.raises(InvalidValue, match="without end"):
        fill("__hen__", tmp_path)


def test_a_users_file_at_any_depth_comes_before_ours(tmp_path):
    save(tmp_path, "mine/animal", "unicorn")
    assert fill("__animal__", tmp_path) == "unicorn"
    assert "flower" in wildcards.places(tmp_path)


@pytest.mark.parametrize(("name", "hint"), [("animl", "animal"), ("void", "empty")])
def test_a_wildcard_that_says_nothing_stays_a_word_and_is_told(tmp_path, name, hint):
    save(tmp_path, "void", " ")
    warnings: list[str] = []
    filled = wildcards.fill(f"an __{name}__", warnings, index=0, generator=None, user_folder=tmp_path)
    assert filled == f"an {name}"
    assert hint in warnings[0]


def test_a_file_in_another_encoding_is_refused_by_name(tmp_path):
    save(tmp_path, "place")
    (tmp_path / "wildcards" / "place.txt").write_bytes("Genève".encode("latin-1"))
    with pytest.raises(InvalidValue, match=r"place\.txt.*UTF-8"):
        fill("__place__", tmp_path)


def test_a_name_cannot_lead_out_of_the_folder(tmp_path):
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    assert fill("__../secret__", tmp_path) == "__../secret__"
