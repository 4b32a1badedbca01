"""The namespace that all distributions named azureml-* share."""

from pkgutil import extend_path

from azml_azureml import absent

__path__ = extend_path(__path__, __name__)
absent.install()
