"""What the functions for Python give: data that prints itself, draws itself, and shows itself in a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from . import checks, diffs, ir, ir_json
from .render import View, render
from .render.check import CheckView
from .render.check import render as render_check
from .render.diff import DiffView
from .render.diff import render as render_diff
from .visible import line

if TYPE_CHECKING:
    from .render.report import Report

Shown = TypeVar("Shown")


class _Page(ABC):
    """What has a report."""

    @abstractmethod
    def to_html(self) -> str:
        """The report: a page that needs no network, with its JSON document inside."""

    def show(self, height: int = 800) -> None:
        """Shows the report: in a notebook as a frame of its own that is so many pixels high, else in the browser."""
        from .render.html.showing import show

        show(self.to_html(), height)


class Summary(_Page, ir.Summary):
    """A summary that writes itself in other forms and prints itself; a notebook shows its graph and its layers."""

    @classmethod
    def of(cls, summary: ir.Summary) -> Summary:
        """The same summary, able to show itself."""
        return as_shown(cls, summary)

    def to_json(self) -> str:
        """The JSON document of the schema in ``schemas/``."""
        return ir_json.dumps(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Summary:
        """Reads what ``to_json`` wrote; raises ModelError for anything else."""
        return cls.of(ir_json.loads(text))

    def to_svg(self, depth: int | None = None) -> str:
        """The graph as a picture, light or dark as the page that shows it; ``depth`` folds the modules below it."""
        return render(self, "svg", View(depth=depth))

    def to_html(self) -> str:
        """A report: a page that needs no network and shows everything, with its JSON document inside."""
        return render(self, "html", View())

    def to_markdown(self, depth: int | None = None) -> str:
        """The table for a page on GitHub; ``depth`` folds the modules below it."""
        return render(self, "markdown", View(depth=depth))

    def to_pandas(self, depth: int | None = None) -> Any:
        """All columns as a ``pandas.DataFrame`` with exact numbers, a row for each layer, or as ``depth`` folds them.

        Raises:
            ModelError: pandas isn't installed.
        """
        from .render import dataframe

        return dataframe.frame(self, View(depth=depth))

    def residual(self) -> Report:
        """The residual blocks, exact values by name in ``rows``, and the paths; ``document`` is the JSON of all.

        Raises:
            BadRequestError: a file of tensors has no connections.
        """
        from .render.report.residual import report

        return report(self)

    def __str__(self) -> str:
        return render(self, "table", View())

    def __repr__(self) -> str:
        # All of the data would be a hundred pages, which a notebook keeps beside what it shows.
        totals = self.totals
        return _angled(f"Summary of {self.model.title}: {totals.layers:,} layers, {totals.params:,} parameters")

    def __rich_console__(self, console: Any, options: Any) -> Any:
        from rich.text import Text

        # A console crops what is wider than itself, terminal or not: fitted, no number is lost.
        yield Text(render(self, "table", View(width=options.max_width)).rstrip("\n"))

    def _repr_html_(self) -> str:
        from .render import notebook

        return notebook.summary(self)


class Diff(_Page, diffs.Diff):
    """A comparison that prints itself. ``kinds`` is empty if the two are the same."""

    def to_html(self) -> str:
        """A report: a page with both networks side by side, and what differs marked."""
        return render_diff(self, "html", DiffView())

    def __str__(self) -> str:
        return render_diff(self, "table", DiffView())

    def __repr__(self) -> str:
        found = ", ".join(kind for kind in diffs.KINDS if kind in self.kinds)
        return _angled(f"Diff of {self.old.model.title} and {self.new.model.title}: {found or 'no difference'}")

    def _repr_html_(self) -> str:
        from .render import notebook

        return notebook.diff(self)


class Checked(_Page, checks.Checked):
    """What ``check`` found, which prints itself. ``passed`` is the verdict."""

    def to_html(self) -> str:
        """A report: a page with what failed, and the layers that it is about in the graph."""
        return render_check([self], "html", CheckView())

    def __str__(self) -> str:
        return render_check([self], "table", CheckView())

    def __repr__(self) -> str:
        worse = ", ".join(outcome.rule for outcome in self.outcomes if outcome.level not in ("pass", "warn"))
        return _angled(f"Checked {self.name}: {f'failed {worse}' if worse else 'passed'}")

    def _repr_html_(self) -> str:
        from .render import notebook

        return notebook.checked(self)


def as_shown(cls: type[Shown], plain: Any) -> Shown:
    """The same data as an object that can show itself."""
    return cls(**{field.name: getattr(plain, field.name) for field in fields(plain)})


def _angled(text: str) -> str:
    return f"<{line(text)}>"
