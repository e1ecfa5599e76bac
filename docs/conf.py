"""Settings of Sphinx: ``make docs`` builds the documentation into ``docs/_build``."""

from resnet_inspect import __version__

project = "resnet-inspect"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click", "sphinx_copybutton"]
# A page in capitals includes the file of that name beside `docs/`, so that links between these files lead to pages.
exclude_patterns = ["_build"]
language = "en"

html_theme = "furo"
html_title = f"resnet-inspect {version}"
html_theme_options = {"sidebar_hide_name": False}
html_show_sphinx = False

myst_enable_extensions = ["deflist"]
# A page with nothing to list yet.
suppress_warnings = ["toc.empty_glob"]
# Every heading down to this level has an address, which links of the pages may lead to.
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"

# What "copy" copies of a console block are the commands, without the prompt and without their output.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

nitpicky = True
# Types of packages whose documentation isn't linked.
nitpick_ignore_regex = [("py:.*", r".*")]
