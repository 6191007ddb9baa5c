"""The conformance table is complete, honest and current."""

import re

import pytest

from tests.contract import table
from tests.contract.proofs import Proof, collect
from tests.contract.rows import Row, sections

ROWS: dict[str, Row] = {row.id: row for section in sections() for row in section.rows}
UNPROVEN = frozenset().union(*(section.unproven for section in sections()))


@pytest.fixture(scope="module")
def proofs() -> list[Proof]:
    return collect()


def test_every_row_is_named_by_a_test_or_owned_up_to_be_unproven(proofs: list[Proof]) -> None:
    assert sorted(set(ROWS) - {proof.row for proof in proofs}) == sorted(UNPROVEN)


def test_every_row_that_a_test_names_is_there(proofs: list[Proof]) -> None:
    assert sorted({f"{proof.row} in {proof.file}" for proof in proofs if proof.row not in ROWS}) == []


def test_all_sections_of_the_contract_are_there() -> None:
    assert [section.number for section in sections()] == list(range(19))


def test_every_row_is_spelled_as_all_are() -> None:
    for row in ROWS.values():
        assert re.fullmatch(r"\d+/[a-z0-9_.-]+", row.id), row.id
        assert row.status in ("same", "better", "later"), row.id
        assert row.words, row.id
        assert row.status == "same" or row.remark, f"{row.id}: say what is different"
        assert "\n" not in row.words + row.remark, row.id


def test_the_document_is_current(proofs: list[Proof]) -> None:
    written = table.FILE.read_text(encoding="utf-8")
    assert written == table.text(sections(), proofs), "run: python -m tests.contract"
