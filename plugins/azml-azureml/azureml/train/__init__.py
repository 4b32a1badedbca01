"""A namespace that several distributions named azureml-train-* share."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
