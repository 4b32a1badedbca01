"""What notebooks show: HTML in which nothing is unescaped, and names made of words."""

import re

from azml_integrations.core import pages


def test_a_table_of_one_row():
    """Heads are escaped; cells are HTML already."""
    html = pages.table_html({"A<b>": "<i>x</i>", "B": "y"})
    assert html == (
        '<table style="width:100%"><tr><th>A&lt;b&gt;</th><th>B</th></tr><tr><td><i>x</i></td><td>y</td></tr></table>'
    )


def test_a_link_cannot_break_out():
    """Neither by its address nor by its words."""
    html = pages.link_html('http://x/"onclick="evil()', "<script>")
    assert '"onclick' not in html
    assert "<script>" not in html
    assert html.startswith('<a href="http://x/&quot;onclick=&quot;evil()" target="_blank" rel="noopener">')


def test_a_made_up_name_is_always_the_same():
    """Two words and a suffix, for everybody who asks."""
    assert pages.made_up_name("a") == pages.made_up_name("a")
    assert re.fullmatch(r"[a-z]+_[a-z]+_[0-9a-f]{8}", pages.made_up_name("a"))
    assert len({pages.made_up_name(str(n)) for n in range(1000)}) == 1000
