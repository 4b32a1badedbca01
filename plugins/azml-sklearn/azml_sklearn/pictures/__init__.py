"""Pictures of a fitted estimator, and their numbers as tables.

Those of a model's answers are the core's (`azml_integrations.pictures`); here are those of the fit itself. Each kind
has a module: small frozen facts are taken from the model, and two pure functions make a page and a table of them.
"""
