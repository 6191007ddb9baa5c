"""Strike off what is proven by now, and write `docs/compatibility.md` anew."""

from tests.contract import proofs, rows, table

if __name__ == "__main__":
    found = proofs.collect()
    rows.strike({proof.row for proof in found})
    table.FILE.write_text(table.text(rows.sections(), found), encoding="utf-8", newline="\n")
