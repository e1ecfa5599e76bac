"""Settings of Sphinx: ``make docs`` builds the documentation into ``docs/_build``."""

import inspect
from typing import Any

from resnet_inspect import __version__
from resnet_inspect.cli.help import split_examples

project = "resnet-inspect"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click", "sphinx_copybutton"]
# A page in capitals includes the file of that name beside `docs/`, so that links between these files lead to pages.
exclude_patterns = ["_build"]
language = "en"

html_theme = "furo"
html_title = f"resnet-inspect {version}"
html_theme_options = {"sidebar_hide_name": False}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False

myst_enable_extensions = ["deflist"]
# Every heading down to this level has an address, which links of the pages may lead to.
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 90

# What "copy" copies of a console block are the commands, without the prompt and without their output.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

# Dashes of options stay two dashes.
smartquotes = False
nitpicky = True
# Names that the pages of Python's functions mention, and whose own pages aren't here.
nitpick_ignore_regex = [("py:.*", r"(?!resnet_inspect\.(summarize|diff|check|assert_matches|Summary|Diff|Checked)$).*")]


def lay_out(_app: Any, ctx: Any, lines: list[str]) -> None:
    """Writes a command's help as ``--help`` does: paragraphs, and lines and examples that stay as they are."""
    text, examples = split_examples(ctx.command.help or "")
    lines.clear()
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        lines += [*_literal(paragraph[2:])] if paragraph.startswith("\b\n") else [*paragraph.splitlines(), ""]
    lines += _literal("\n".join(examples))


def _literal(text: str) -> list[str]:
    return ["", ".. code-block:: console", "", *(f"   {line}" for line in text.splitlines()), ""] if text else []


def setup(app: Any) -> None:
    """What sphinx-click asks for each command."""
    app.connect("sphinx-click-process-description", lay_out)
