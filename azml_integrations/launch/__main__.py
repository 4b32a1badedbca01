"""Runs the launcher of one target: ``python -m azml_integrations.launch WORKSPACE TARGET [INDEX]``."""

import sys
from pathlib import Path

from .launcher import serve

serve(Path(sys.argv[1]), sys.argv[2], *sys.argv[3:4])
