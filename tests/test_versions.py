"""Ranges of versions mean what PEP 440 says of them."""

import pytest

from azml_integrations.versions import allows


@pytest.mark.parametrize(
    ("wanted", "version", "fits"),
    [
        ("", "0.1.0", True),
        (">=0.1,<2", "0.1.0", True),
        (">=0.1, <2", "1.99", True),
        (">=0.1,<2", "2.0.0", False),
        ("<2", "2.0.dev1", False),  # what comes before 2 is meant to be 2
        ("<2.0rc1", "2.0.dev1", False),
        (">=1.0", "1.0rc1", False),
        (">1.0", "1.0.0", False),
        (">1.0", "1.0.1", True),
        ("==1.4", "1.4.0", True),
        ("==1.4.*", "1.4.9", True),
        ("==1.4.*", "1.40", False),
        ("!=1.4.*", "1.4.9", False),
        ("!=1.4.1", "1.4.0", True),
        ("~=1.4", "1.9", True),
        ("~=1.4", "2.0", False),
        ("~=1.4.2", "1.4.1", False),
        ("~=1.4.2", "1.5", False),
        ("~=1.0", "1.0", True),
        (">=10", "9.9", False),
    ],
)
def test_a_range_holds_a_version_or_not(wanted, version, fits):
    """Numbers are compared as numbers, zeros at the end count nothing."""
    assert allows(wanted, version) is fits


@pytest.mark.parametrize("wanted", ["1.0", "=>1", ">=one", ">=1.*", "~=1;<2"])
def test_what_is_no_range_is_refused(wanted):
    """A slip of the pen must not let everybody in."""
    with pytest.raises(ValueError, match=r"expected one such as|only == and !="):
        allows(wanted, "1.0")
