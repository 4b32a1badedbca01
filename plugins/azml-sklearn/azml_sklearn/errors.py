"""What can go wrong with a model, below the tree that ``azml_integrations.errors`` draws.

::

    UserErrorException (ValueError)
    ├── ModelNotStoredError              why there is no file
    │   ├── ModelFormatMissingError (ImportError)  the format's package is not installed
    │   ├── ModelNotStorableError   (TypeError)    the format cannot hold this estimator
    │   ├── ModelTooLargeError                     beyond ``max_model_bytes``
    │   └── NoModelError            (TypeError)    a search that keeps no model
    ├── ModelExistsError        (FileExistsError)  the name is taken
    ├── AmbiguousModelError     (LookupError)      the run has several
    ├── ModelChangedError                          the file is not the one that was stored
    ├── ModelFactsError                            a model.json that cannot be believed
    └── UntrustedModelError     (PermissionError)  loading it would run what nobody has vouched for
    ModelNotFoundException (KeyError)
    └── ModelNotFoundError                         the run has no such model

    AzmlWarning
    └── ModelVersionWarning                        the model was made by another scikit-learn
"""

from azml_integrations import errors

MIB = 2**20
MOST_SHOWN = 10


class ModelNotStoredError(errors.UserErrorException):
    """Why there is no file.

    Attributes
    ----------
    short : str
        The reason in a few words.
    """

    short = "refused"


class ModelFormatMissingError(ModelNotStoredError, ImportError):
    """A format whose package is not installed.

    Attributes
    ----------
    package : str
        What is missing.
    """

    def __init__(self, model_format: str, package: str, install: str) -> None:
        self.package = package
        self.short = f"{package} is not installed"
        super().__init__(f"the format {model_format!r} needs {package}, which is not installed; pip install {install}")


class ModelNotStorableError(ModelNotStoredError, TypeError):
    """An estimator that the format cannot hold.

    Attributes
    ----------
    estimator : str
        Its class.
    """

    short = "the format cannot hold it"

    def __init__(self, estimator: object, model_format: str, cause: Exception) -> None:
        self.estimator = type(estimator).__name__
        why = next((line.strip() for line in str(cause).splitlines() if line.strip()), "no reason given")
        super().__init__(
            f"the format {model_format!r} cannot hold this {self.estimator}: {type(cause).__name__}: {why[:300]}; "
            f"another model_format may"
        )  # the cause stays out of it: raised from it, but not pickled with it


class ModelTooLargeError(ModelNotStoredError):
    """A model beyond the cap.

    Attributes
    ----------
    most_bytes : int
        The cap [bytes].
    """

    short = "too large"

    def __init__(self, what: str, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        super().__init__(
            f"{what} is larger than {in_words(most_bytes)}; max_model_bytes=... sets another cap, "
            f'for a fit in autolog("sklearn", max_model_bytes=...)'
        )


class NoModelError(ModelNotStoredError, TypeError):
    """A search that keeps no model.

    Attributes
    ----------
    estimator : str
        Its class.
    """

    short = "refit=False keeps none"

    def __init__(self, estimator: object) -> None:
        self.estimator = type(estimator).__name__
        super().__init__(
            f"{self.estimator}(refit=False) keeps no model; with refit=True, or the name of a score, "
            f"the best parameters are fitted once more on all data"
        )


class ModelExistsError(errors.UserErrorException, FileExistsError):
    """A name that is taken in this run.

    Attributes
    ----------
    name : str
        The name.
    """

    def __init__(self, name: str, run_id: str) -> None:
        self.name = name
        super().__init__(f"run {run_id} has files in outputs/{name} already; choose another name, or leave it out")


class ModelNotFoundError(errors.ModelNotFoundException):
    """The run has no such model.

    Attributes
    ----------
    name : str or None
        What was asked for.
    """

    def __init__(self, name: str | None, run_id: str, there: list[str]) -> None:
        self.name = name
        what = "no model" if name is None else f"no model {name!r}"
        super().__init__(f"run {run_id} has {what}; it has {_few(there) or 'none'}; its notes may say why")


class AmbiguousModelError(errors.UserErrorException, LookupError):
    """The run has several models.

    Attributes
    ----------
    names : list of str
        What there is.
    """

    def __init__(self, run_id: str, there: list[str]) -> None:
        self.names = there
        super().__init__(f"run {run_id} has {len(there)} models: {_few(there)}; name one: name={there[0]!r}")


class ModelChangedError(errors.UserErrorException):
    """A file that is not the one that was stored.

    Attributes
    ----------
    name : str
        The file.
    """

    def __init__(self, name: str, run_id: str, found: str, wanted: str) -> None:
        self.name = name
        super().__init__(
            f"{name} of run {run_id} is not the file that was stored: it has {found}, its model.json says {wanted}; "
            f"nothing of it was loaded; `azml doctor` finds what else has changed"
        )


class ModelFactsError(errors.UserErrorException):
    """A model.json that cannot be believed.

    Attributes
    ----------
    name : str
        The file.
    """

    def __init__(self, name: str, run_id: str, why: str) -> None:
        self.name = name
        super().__init__(
            f"{name} of run {run_id} cannot be used: {why}; expected what azml-sklearn writes beside a model; "
            f"nothing was loaded"
        )


class UntrustedModelError(errors.UserErrorException, PermissionError):
    """A model whose loading would run what nobody has vouched for.

    Attributes
    ----------
    name : str
        The file.
    types : list of str
        Types that a skops file wants and nobody has vouched for; empty for a pickle.
    """

    def __init__(self, name: str, run_id: str, types: list[str] | None = None) -> None:
        self.name, self.types = name, types or []
        if types is None:
            why = (
                "is a pickle, and loading a pickle runs whatever code whoever wrote it has put into it; "
                "if you know who that was, pass trust=True; models for strangers are better stored with "
                'model_format="skops"'
            )
        else:
            why = (
                f"needs types that are not trusted by default: {', '.join(types)}; "
                f"if you have reviewed them, pass trust={types!r}"
            )
        super().__init__(f"{name} of run {run_id} {why}; nothing was loaded")


class ModelVersionWarning(errors.AzmlWarning):
    """A model that was made by another scikit-learn than the one that loads it."""


def in_words(size: int) -> str:
    """Return a number of bytes as people say it: ``1,000 bytes``, ``256 MiB``."""
    return f"{size / MIB:,.0f} MiB" if size >= MIB else f"{size:,} bytes"


def _few(names: list[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (", ..." if len(names) > MOST_SHOWN else "")
