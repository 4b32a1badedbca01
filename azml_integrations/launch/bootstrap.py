"""Starts `azml_bootstrap` beside it: Python compiles a program at each start, but what it imports only once."""

from azml_bootstrap import main  # type: ignore[import-not-found]  # found beside this file by an interpreter without us

main()
