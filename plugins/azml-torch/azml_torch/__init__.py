"""PyTorch training loops record themselves: the adapter behind ``azml_integrations.autolog("torch")``.

This module is all that is loaded until PyTorch is imported; it imports no framework.
"""

__version__ = "0.1.0"
