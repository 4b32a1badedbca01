"""What stands behind the names of ``azureml``: who else claims them, and what becomes of those of the cloud."""
