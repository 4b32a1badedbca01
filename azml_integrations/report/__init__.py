"""A run as HTML, as text, and its metrics as SVG: what a file, a notebook and a terminal show of it.

`account` gathers all that there is to tell of a run; `page` makes one HTML document of it, `fragment` what stands in
a notebook's cell, `text` lines for a terminal. `svg` draws a `Chart`. Nothing here asks for a server, a script, a
front-end extension, numpy or matplotlib.
"""

from .account import FILE, GLANCE, Account, Extent, Memory, account
from .charts import Bars, Chart, Curve, svg, thinned
from .document import fragment, page
from .text import text

__all__ = [
    "FILE",
    "GLANCE",
    "Account",
    "Bars",
    "Chart",
    "Curve",
    "Extent",
    "Memory",
    "account",
    "fragment",
    "page",
    "svg",
    "text",
    "thinned",
]
