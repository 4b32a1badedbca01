"""What an adapter does to a training is found, whatever it is."""

import random
import warnings
from pathlib import Path

import pytest

from azml_integrations import current_run, implicit_run
from azml_integrations.autologging import Patches, Target
from azml_integrations.testing import assert_training_unchanged, toy

X, Y = [0.0, 1.0, 2.0], [1.0, 3.0, 5.0]
TOY = "azml_integrations.testing.toy"


def train():
    return toy.Model().fit(X, Y)


def adapter_that(do):
    """Return an adapter that does something to the model, in a run."""

    def observe_fit(run, model, X, y, callbacks=()):
        yield
        do(model)

    def activate(_):
        yield Target(toy.Model, "fit", observe_fit)

    return activate


def prove(do=lambda model: None, train=train, **settings):
    assert_training_unchanged(train, framework=TOY, activate=adapter_that(do), **settings)


def test_an_adapter_that_only_looks_passes(azml_home):
    """And nothing is written to the home of the test, nor to its directory."""
    prove()
    assert not azml_home.exists()
    assert current_run() is None


class Note:
    """Something of an adapter's."""


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (lambda model: random.random(), "random state: the generator of random stands elsewhere"),
        (lambda model: setattr(model, "azml_", 1), r"result\.azml_ is there with autolog only, a int"),
        (lambda model: setattr(model, "slope_", 7.0), r"result\.slope_ is 7\.0, without autolog"),
        (lambda model: model.losses_.append(0.0), r"result\.losses_\[3\] is there with autolog only"),
        (lambda model: delattr(model, "losses_"), r"result\.losses_ is missing with autolog"),
        (lambda model: setattr(model, "rate", Note()), r"result\.rate is a test_training\.Note, without autolog a fl"),
        (lambda model: setattr(model, "rate", lambda: 0), r"pickle: the result cannot be pickled"),
        (lambda model: warnings.warn("me", UserWarning, 1), "warnings: with autolog only: UserWarning: me"),
        (lambda model: 1 / 0, "warnings: with autolog only: AutologWarning: .*ZeroDivisionError"),
        (lambda model: Path("mine").touch(), "files: mine is left in the working directory only with autolog"),
        (lambda model: setattr(toy.Model, "mine", print), r"after autolog\(False\): .*toy\.Model\.mine is <built-in"),
    ],
)
def test_a_deed_is_found(azml_home, deed, told):
    """A line says what it was, and where."""
    try:
        with pytest.raises(AssertionError, match=told):
            prove(deed)
    finally:
        vars(toy.Model).get("mine") and delattr(toy.Model, "mine")


def test_what_is_not_undone_is_found(azml_home):
    """A class, a module, the list of finders: each has to be the object that it was."""
    before = toy.Model.fit

    def stays(*args):
        return before(*args)

    def activate(_):
        implicit_run().complete()
        toy.Model.fit = stays

    try:
        with pytest.raises(AssertionError, match=r"toy\.Model\.fit is <function .*stays.*, before autolog"):
            assert_training_unchanged(train, framework=TOY, activate=activate)
    finally:
        toy.Model.fit = before


def test_an_object_that_is_undone_late_is_found(azml_home):
    """What hangs on the user's object is looked for again after the undoing."""
    models = []

    def activate(_):
        patches = Patches("toy")
        patches.observe(Target(toy.Model, "fit", observe_fit))
        patches.also(lambda: setattr(models[0], "late_", True))
        return patches.undo

    def observe_fit(run, model, *_):
        yield
        models.append(model)

    with pytest.raises(AssertionError, match=r"after autolog\(False\): result\.late_ is there with autolog only"):
        assert_training_unchanged(train, framework=TOY, activate=activate)


def test_an_exception_that_is_another_one_is_found(azml_home):
    """What the user raises is what the user catches; and a training that fails unasked is no proof."""

    def fails():
        toy.Model().fit(X, Y, callbacks=[toy.failing_at(1, KeyError("mine"))])

    def activate(_):
        patches, fit = Patches("toy"), toy.Model.fit

        def wrapped(*args, **kwargs):
            with implicit_run():
                try:
                    return fit(*args, **kwargs)
                except KeyError as error:
                    error.add_note("seen by the adapter")
                    raise

        patches.replace(toy.Model, "fit", wrapped)
        return patches.undo

    prove(train=fails, raises=KeyError)
    with pytest.raises(KeyError, match="mine"):
        prove(train=fails)
    with pytest.raises(AssertionError, match="exception: KeyError: 'mine'\nseen by the adapter, without autolog Key"):
        assert_training_unchanged(fails, framework=TOY, activate=activate, raises=KeyError)


def test_a_pickle_of_addresses_is_compared_by_what_it_needs(azml_home):
    """A tensor's pickle is never the same twice; a type of the adapter's in it is one too many."""

    class Addressed:
        def __reduce__(self):
            return (str, (str(random.SystemRandom().random()),))

    def train():
        model = toy.Model().fit(X, Y)
        model.rate = Addressed()
        return model

    prove(train=train, ignore=("result.rate",))
    with pytest.raises(AssertionError, match=r"pickle: it needs test_training\.Note with autolog only"):
        prove(lambda model: setattr(model, "epochs", Note()), train=train, ignore=("result.rate",))


def test_a_training_that_nobody_watched_proves_nothing(azml_home):
    """An adapter that observes another method passes everything else."""
    with pytest.raises(AssertionError, match="autolog recorded no run"):
        assert_training_unchanged(train, framework=TOY, activate=lambda _: None)
    assert_training_unchanged(train, framework=TOY, activate=lambda _: None, recorded=False)


def test_a_training_that_cannot_be_repeated_is_told(azml_home):
    """Else every difference would be laid at the adapter's door."""
    generator = random.Random(1)

    def train():
        return generator.random()

    with pytest.raises(AssertionError, match=r"cannot be repeated.*\n.*result is 0\.8.*\n.*ignore=\('result',\)"):
        assert_training_unchanged(train, framework=TOY, activate=lambda _: None)
    assert_training_unchanged(train, framework=TOY, activate=lambda _: None, ignore=("result",), recorded=False)


def test_arrays_and_tensors_are_compared_by_content(azml_home):
    """By type, shape and every number."""
    numpy = pytest.importorskip("numpy")

    def changing(model):
        model.slope_ = model.slope_ + numpy.float64(1e-12)

    def train():
        model = toy.Model().fit(X, Y)
        model.slope_ = numpy.array([model.slope_, numpy.nan])
        return model

    prove(train=train)
    found = []

    def train_and_change():
        model = train()
        found.append(model)
        if len(found) == 3:
            changing(model)
        return model

    with pytest.raises(AssertionError, match=r"result\.slope_ is float64 of shape \(2,\) with content"):
        prove(train=train_and_change)


def test_the_random_generators_of_the_test_stay(azml_home):
    """A test that draws numbers draws the same after it."""
    random.seed(5)
    expected = random.random()
    random.seed(5)
    prove()
    assert random.random() == expected


def test_wrong_arguments_are_told(azml_home):
    """What came, and what is known."""
    with pytest.raises(ValueError, match="ignore got rng; it knows result, pickle, random state"):
        prove(ignore=("rng",))
    with pytest.raises(ValueError, match="activate needs a framework"):
        assert_training_unchanged(train, activate=lambda _: None)
