"""scikit-learn records its own training: the adapter behind ``azml_integrations.autolog("sklearn")``.

This module is all that is loaded until scikit-learn is imported; it imports no framework.
"""

from azml_integrations import Adapter, hookimpl

__version__ = "0.1.0"


@hookimpl
def azml_adapters() -> list[Adapter]:
    """Offer scikit-learn."""
    return [
        Adapter(
            framework="sklearn",
            import_name="sklearn",
            activate="azml_sklearn.activation:activate",
            versions=">=1.6,<1.10",
            distribution="scikit-learn",
            options=("max_metric_rows", "max_model_bytes"),
        )
    ]
