"""Draws the README's picture: what `azml run show` prints of the run that the README's example leaves.

Run it after a change of that output, from the root of the repository: ``python docs/pictures.py``.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "_static" / "run-show.svg"
PAPER, INK, GREY = (252, 252, 250), (40, 42, 54), (90, 92, 100)
RED, GREEN, YELLOW, BLUE = (190, 60, 60), (50, 130, 70), (160, 110, 20), (40, 90, 170)
PURPLE, CYAN = (140, 70, 150), (30, 130, 140)
THEME = TerminalTheme(PAPER, INK, [INK, RED, GREEN, YELLOW, BLUE, PURPLE, CYAN, GREY])


def printed(*words: str) -> str:
    """Return what a command prints on a terminal, colours included."""
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "84", "AZML_PLUGINS": "sklearn"}
    return subprocess.run([sys.executable, *words], env=environment, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Run the example in an empty home and draw what the command line says about it."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["AZML_HOME"] = home
        os.chdir(home)
        printed(str(ROOT / "examples" / "ridge_diabetes.py"))
        shown = printed("-m", "azml_integrations.cli", "run", "show", "@latest")
    # where and who are this machine's, not the reader's
    shown = re.sub(r"(?m)^.*(folder|by) +.*\n", "", shown)
    shown = re.sub(r'\["[^"]*ridge_diabetes.py"\]', '["ridge_diabetes.py"]', shown)
    console = Console(record=True, width=84, file=open(os.devnull, "w"), force_terminal=True)  # noqa: PTH123, SIM115
    console.print(Text.from_ansi("$ azml run show @latest\n" + shown.rstrip()))
    svg = console.export_svg(title="azml", theme=THEME)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no font from elsewhere
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    PICTURE.write_text(svg.replace("Fira Code", "ui-monospace, DejaVu Sans Mono, Menlo, Consolas"), encoding="utf-8")


if __name__ == "__main__":
    main()
