"""Sets Gesso up: a Python that fits, a `.venv` of its own, what it needs inside. Standard library only."""
