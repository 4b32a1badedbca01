"""A logger for Lightning and Fabric, and the adapter behind ``azml_integrations.autolog("lightning")``.

This module is all that is loaded until Lightning is imported; it imports no framework.
"""

__version__ = "0.1.0"
