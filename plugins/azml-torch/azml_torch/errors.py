"""Why a model is not stored, or not loaded; the base classes are those of `azml_integrations.errors`.

::

    UserErrorException (ValueError)
    ├── ModelNotStorableError   (TypeError)        the format cannot hold this model
    ├── ModelExistsError        (FileExistsError)  the name is taken
    ├── AmbiguousModelError     (LookupError)      the run has several
    ├── ModelChangedError                          the file is not the one that was stored
    ├── ModelFactsError                            a model.json that cannot be believed
    ├── ModelMismatchError                         the weights are those of another model
    └── UntrustedModelError     (PermissionError)  loading it would run what nobody has vouched for
    ModelNotFoundException (KeyError)
    └── ModelNotFoundError                         there is no such model
"""

from collections.abc import Sequence

from azml_integrations import errors

MOST_SHOWN = 5


class ModelNotStorableError(errors.UserErrorException, TypeError):
    """A model that the format cannot hold.

    Attributes
    ----------
    model : str
        Its class.
    """

    def __init__(self, model: str, model_format: str, why: object, way_out: str) -> None:
        self.model = model
        if isinstance(why, Exception):
            first = next((line.strip() for line in str(why).splitlines() if line.strip()), "no reason given")
            why = f"{type(why).__name__}: {first[:300]}"
        super().__init__(f"the format {model_format!r} cannot hold this {model}: {why}; {way_out}")


class ModelExistsError(errors.UserErrorException, FileExistsError):
    """A name that is taken in this run.

    Attributes
    ----------
    name : str
        The name.
    """

    def __init__(self, name: str, run_id: str) -> None:
        self.name = name
        super().__init__(
            f"run {run_id} has a model in outputs/{name} already; overwrite=True replaces it, another name keeps both"
        )


class ModelNotFoundError(errors.ModelNotFoundException):
    """There is no such model.

    Attributes
    ----------
    name : str or None
        What was asked for.
    """

    def __init__(self, name: str | None, where: str, there: Sequence[str]) -> None:
        self.name = name
        what = "no model" if name is None else f"no model {name!r}"
        super().__init__(f"{where} has {what}; it has {few(there) or 'none'}")


class AmbiguousModelError(errors.UserErrorException, LookupError):
    """The run has several models.

    Attributes
    ----------
    names : list of str
        What there is.
    """

    def __init__(self, where: str, there: list[str]) -> None:
        self.names = there
        super().__init__(f"{where} has {len(there)} models: {few(there)}; name one: name={there[0]!r}")


class ModelChangedError(errors.UserErrorException):
    """A file that is not the one that was stored.

    Attributes
    ----------
    name : str
        The file.
    """

    def __init__(self, name: str, where: str, found: str, wanted: str) -> None:
        self.name = name
        super().__init__(
            f"{name} of {where} is not the file that was stored: it has {found}, the .json beside it says {wanted}; "
            f"nothing of it was loaded"
        )


class ModelFactsError(errors.UserErrorException):
    """A .json beside a model that cannot be believed.

    Attributes
    ----------
    name : str
        The file.
    """

    def __init__(self, name: str, where: str, why: str) -> None:
        self.name = name
        super().__init__(
            f"{name} of {where} cannot be used: {why}; expected what azml-torch writes beside a model; "
            f"nothing was loaded"
        )


class ModelMismatchError(errors.UserErrorException):
    """Weights of another model; nothing of them was loaded.

    Attributes
    ----------
    missing, unexpected, unequal : list of str
        What the model has and the file has not; what the file has and the model has not; what both have, but in
        another shape.
    """

    def __init__(self, model: str, where: str, missing: list[str], unexpected: list[str], unequal: list[str]) -> None:
        self.missing, self.unexpected, self.unequal = missing, unexpected, unequal
        told = {"the file lacks": missing, "the model lacks": unexpected, "of another shape": unequal}
        why = "; ".join(f"{what} {few(names)}" for what, names in told.items() if names)
        super().__init__(f"the weights of {where} do not fit this {model}: {why}; nothing of them was loaded")


class UntrustedModelError(errors.UserErrorException, PermissionError):
    """A model whose loading would run what nobody has vouched for.

    Attributes
    ----------
    name : str
        The file.
    """

    def __init__(self, name: str, where: str, why: str) -> None:
        self.name = name
        super().__init__(f"{name} of {where} {why}; nothing was loaded")


def few(names: Sequence[str]) -> str:
    """Return names as a list that is not too long."""
    return ", ".join(names[:MOST_SHOWN]) + (f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else "")
