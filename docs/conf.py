from importlib.metadata import version as installed_version

project = "azml_integrations"
author = "azml_integrations contributors"
copyright = "2026, azml_integrations contributors"
version = release = installed_version("azml-integrations")

# No intersphinx: the documentation builds without a network.
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx_copybutton",
]

exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "azml_integrations"
html_static_path = ["_static"]
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the numpydoc sections name the types, with shapes and units
numpydoc_show_class_members = False  # autodoc lists them already

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
