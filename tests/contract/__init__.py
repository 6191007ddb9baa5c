"""The conformance suite: the FooocusAPI contract row by row (`rows/`), and the tests that prove each.

A test proves rows by naming them, `@pytest.mark.contract("4/sharpness")`, wherever under `tests/` it stands.
`python -m tests.contract` writes `docs/compatibility.md` from both.
"""
