"""An adapter of the toy, as an author would write it."""

from azml_integrations import Adapter, hookimpl


@hookimpl
def azml_adapters():
    """Offer the toy."""
    return [
        Adapter(
            framework="toy",
            import_name="azml_integrations.testing.toy",
            activate="toy_observers:activate",
            options=("save_as",),
        )
    ]
