"""Starts `azml_bootstrap` beside it: Python compiles a program at each start, but what it imports only once."""

import sys

if getattr(sys.flags, "safe_path", False):  # PYTHONSAFEPATH keeps this folder out
    sys.path.insert(0, __file__[: -len("bootstrap.py")])

from azml_bootstrap import main  # type: ignore[import-not-found]

main()
