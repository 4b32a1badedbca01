"""What can go wrong with a model, below the tree that ``azml_integrations.errors`` draws.

::

    UserErrorException (ValueError)
    └── ModelNotStoredError              why there is no file
        ├── ModelFormatMissingError (ImportError)  the format's package is not installed
        ├── ModelNotStorableError   (TypeError)    the format cannot hold this estimator
        ├── ModelTooLargeError                     beyond ``max_model_bytes``
        └── NoModelError            (TypeError)    a search that keeps no model

    AzmlWarning
    └── ModelVersionWarning                        the model was made by another scikit-learn
"""

from azml_integrations import errors


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
            f"{what} is larger than {errors.in_words(most_bytes)}; max_model_bytes=... sets another cap, "
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


class ModelVersionWarning(errors.AzmlWarning):
    """A model that was made by another scikit-learn than the one that loads it."""
