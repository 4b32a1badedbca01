"""The guide to what plugins can add does, part by part, what it says."""

import pytest
from guides import followed, parts

PARTS = parts("how-to/extend-azml.md")
ELSEWHERE = {"A panel on a run's page"}
"""Parts that need more than the core: tests/portal follows them."""


@pytest.mark.parametrize("part", [name for name in PARTS if name not in ELSEWHERE])
def test_the_guide_does_what_it_says(part, workspace, tmp_path, monkeypatch):
    """A reader who types what stands there sees what stands there."""
    monkeypatch.setenv("AZML_WORKSPACE", str(workspace.root))
    with followed(PARTS[part], tmp_path):
        pass
