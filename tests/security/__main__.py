"""Write `docs/hostile.md` anew."""

from tests.security import listing

if __name__ == "__main__":
    listing.FILE.write_text(listing.text(), encoding="utf-8", newline="\n")
