"""The version, where everybody may read it without importing anything."""

__version__ = "0.1.0"
