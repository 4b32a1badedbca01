"""Makes the pictures of the documentation out of the runs that the examples leave in an empty home.

`run-show.svg` is what `azml run show` prints of the README's example; the others are files of the runs. Run it after
a change of either, from the root of the repository: ``python docs/pictures.py``.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "docs" / "_static"
COLORS = 256  # of a copied picture: plots have few, and take half the bytes so
PICTURES = {  # by example: the files of its run, and what they are called here
    "ridge_alphas_by_loop": {"outputs/fits/alpha.png": "ridge-alphas-by-loop"},
    "ridge_alphas_by_grid_search": {"outputs/GridSearchCV/score_by_alpha.png": "ridge-alphas-by-grid-search"},
    "roc_breast_cancer": {
        "outputs/Pipeline/test_roc_curve.png": "breast-cancer-roc",
        "outputs/Pipeline/test_confusion_matrix.png": "breast-cancer-confusion",
        "outputs/Pipeline/test_precision_recall_curve.png": "breast-cancer-precision-recall",
    },
    "xgboost_breast_cancer": {"outputs/Booster/importance.png": "breast-cancer-importance"},
    "lightning_digits": {
        "curves.png": "digits-curves",
        "outputs/LitDigits/test_roc_curve.png": "digits-roc",
        "outputs/LitDigits/test_confusion_matrix.png": "digits-confusion",
    },
    "torch_digits_loop": {
        "curves.png": "torch-digits-curves",
        "outputs/Digits/validation_roc_curve.png": "torch-digits-roc",
        "outputs/Digits/validation_confusion_matrix.png": "torch-digits-confusion",
    },
    "pipeline_on_a_mixed_table": {
        "outputs/Pipeline/feature_importances.png": "mixed-table-importances",
        "outputs/Pipeline/test_residuals.png": "mixed-table-residuals",
    },
}
PAPER, INK, GREY = (252, 252, 250), (40, 42, 54), (90, 92, 100)
RED, GREEN, YELLOW, BLUE = (190, 60, 60), (50, 130, 70), (160, 110, 20), (40, 90, 170)
PURPLE, CYAN = (140, 70, 150), (30, 130, 140)
THEME = TerminalTheme(PAPER, INK, [INK, RED, GREEN, YELLOW, BLUE, PURPLE, CYAN, GREY])


def main() -> None:
    """Run the examples in an empty home, draw one and copy the pictures of the others."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["AZML_HOME"] = home
        os.chdir(home)
        draw_run_show()
        for example, pictures in PICTURES.items():
            run_example(example)
            azml("run", "download", f"{example}/@latest", *pictures, "--to", example)
            for file, name in pictures.items():
                copy_picture(Path(example, file), name)


def draw_run_show() -> None:
    """Draw what the command line says about the README's example."""
    run_example("ridge_diabetes")
    shown = azml("run", "show", "@latest")
    # where and who are this machine's, not the reader's
    shown = re.sub(r"(?m)^.*(folder|by) +.*\n", "", shown)
    shown = re.sub(r'\["[^"]*ridge_diabetes.py"\]', '["ridge_diabetes.py"]', shown)
    console = Console(record=True, width=84, file=open(os.devnull, "w"), force_terminal=True)  # noqa: PTH123, SIM115
    console.print(Text.from_ansi("$ azml run show @latest\n" + shown.rstrip()))
    svg = console.export_svg(title="azml", theme=THEME)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no font from elsewhere
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "ui-monospace, DejaVu Sans Mono, Menlo, Consolas")
    (STATIC / "run-show.svg").write_text(svg, encoding="utf-8")


def copy_picture(source: Path, name: str) -> None:
    """Copy a picture with few colours."""
    with Image.open(source) as picture:
        # the default method gives thin lines, and cells of 0 and 1, of two colours the same one
        few = picture.convert("RGB").quantize(COLORS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(STATIC / f"{name}.png", optimize=True)


def run_example(name: str) -> None:
    """Run one of the examples."""
    printed(str(ROOT / "examples" / f"{name}.py"))


def azml(*words: str) -> str:
    """Return what the command line prints."""
    return printed("-m", "azml_integrations.cli", *words)


def printed(*words: str) -> str:
    """Return what a program prints on a terminal, colours included."""
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "84", "AZML_PLUGINS": "sklearn,torch"}
    return subprocess.run([sys.executable, *words], env=environment, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
