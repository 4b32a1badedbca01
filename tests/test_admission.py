"""Which plugins may be used."""

import pytest

from azml_integrations import admission
from azml_integrations.admission import Admission
from azml_integrations.entries import Entry


@pytest.mark.parametrize(
    ("allowed", "left_out", "refused"),
    [
        (None, None, set()),
        ("", None, {"acme", "other"}),
        (" acme ,", None, {"other"}),
        (None, "acme,core", {"acme"}),
        ("acme", "acme", {"acme", "other"}),
    ],
)
def test_the_user_has_the_say(monkeypatch, allowed, left_out, refused):
    """Unset means all, empty none, and nobody loses the core's own."""
    for name, value in (("AZML_PLUGINS", allowed), ("AZML_DISABLE_PLUGINS", left_out)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)

    chosen = Admission.of_environment()

    assert {name for name in ("core", "acme", "other") if chosen.refusal(name)} == refused


def test_our_own_core_comes_before_one_of_its_name():
    """A stranger who calls himself core is asked after us, and so finds the name taken."""
    ours, theirs = Entry("core", "azml_integrations.defaults", "azml_integrations"), Entry("core", "acme", "acme")

    assert sorted([theirs, Entry("acme", "acme"), ours], key=admission.rank)[:2] == [ours, theirs]


@pytest.mark.parametrize(
    ("wanted", "said"), [("", ""), (">=0", ""), (">=99", ">=99"), (7, "no string"), ("new", "read")]
)
def test_what_does_not_fit_says_so(wanted, said):
    """Its author reads the range, or why it is none."""
    told = admission.unfit(wanted)

    assert said in told
    assert bool(told) == bool(said)
