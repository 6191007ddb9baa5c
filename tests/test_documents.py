"""The documents speak of what is there."""

import json
import re

import pytest

from configs.settings import ROOT
from server.api.fooocus.masks import MaskRequest
from server.api.fooocus.request import GenerateRequest

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_link_leads_to_a_file_that_is_there(document):
    links = re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (document.parent / link).exists()] == []


def test_the_requests_of_the_readme_name_fields_that_exist():
    bodies = re.findall(r"-d '(\{.*?\})'", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    fields = {*GenerateRequest.model_fields, *MaskRequest.model_fields}
    assert len(bodies) == 3
    for body in bodies:
        assert set(json.loads(body)) <= fields
