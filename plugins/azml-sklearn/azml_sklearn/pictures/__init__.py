"""Pictures of a fitted model, and their numbers as tables.

Each kind has a module: small frozen facts are taken from the model's answers, and two pure functions make a page and a
table of them. `paint` turns a page into a PNG, without pyplot or anything else that is global.
"""
