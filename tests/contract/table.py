"""`docs/compatibility.md`: the rows, their status, and the tests that prove them."""

from collections.abc import Iterable, Sequence

from configs.settings import ROOT
from tests.contract.proofs import Proof
from tests.contract.rows import Row, Section

FILE = ROOT / "docs" / "compatibility.md"

HEAD = """\
# Compatibility with FooocusAPI

Written by `python -m tests.contract` from `tests/contract/rows/` and the tests that name a row; not to be edited here.

What a client of FooocusAPI (v2.5) can rely on, row by row. **same**: as FooocusAPI does it. **better**: what works
there works here, and what fails there gets a better answer; the remark says how. **later**: refused with 501, naming
the field, until it is there. Each row is proven by the tests beside it.
"""


def text(sections: Sequence[Section], proofs: Iterable[Proof]) -> str:
    """The whole document."""
    by_row: dict[str, list[Proof]] = {}
    for proof in proofs:
        by_row.setdefault(proof.row, []).append(proof)
    parts = [HEAD, _counts(sections)]
    for section in sections:
        lines = [
            f"## {section.number}. {section.title}",
            "",
            "| Row | Status | Remark | Proven by |",
            "|---|---|---|---|",
        ]
        lines += [_line(row, by_row.get(row.id, [])) for row in section.rows]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _counts(sections: Sequence[Section]) -> str:
    statuses = [row.status for section in sections for row in section.rows]
    told = ", ".join(f"{statuses.count(status)} {status}" for status in ("same", "better", "later"))
    return f"{len(statuses)} rows: {told}.\n"


def _line(row: Row, proofs: Sequence[Proof]) -> str:
    links = [f"[{_sentence(proof.test)}](../{proof.file})" for proof in sorted(proofs)]
    cells = [row.words, f"**{row.status}**", row.remark, "; ".join(links) or "not yet"]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _sentence(test: str) -> str:
    """A test's name as words."""
    return test.removeprefix("test_").replace("_", " ")
