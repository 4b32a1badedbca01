"""Why a model is not stored, or not loaded, beside what `azml_integrations.errors` knows.

::

    UserErrorException (ValueError)
    ├── ModelNotStorableError   (TypeError)  the format cannot hold this model
    └── ModelMismatchError                   the weights are those of another model
"""

from azml_integrations import errors


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
        why = "; ".join(f"{what} {errors.few(names, 5)}" for what, names in told.items() if names)
        super().__init__(f"the weights of {where} do not fit this {model}: {why}; nothing of them was loaded")
