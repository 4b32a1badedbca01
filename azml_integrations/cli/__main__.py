"""``python -m azml_integrations.cli``: the same as ``azml``."""

from . import main

main()
