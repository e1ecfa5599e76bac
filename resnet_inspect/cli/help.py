"""What ``--help`` shows: commands in groups, options in sections, and examples at the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain

import click

#: The sections in their order, and the options in each. What stands in none is of the command alone, and comes first.
SECTIONS = {
    "Device": ("--device", "--memory"),
    "Model": ("--backend", "--arg", "--weights", "--mode", "--decode", "--flavor", "--no-cache"),
    "Input": ("--input", "--input-json", "--input-from", "--batch", "--dtype", "--layout"),
    "Training": (
        *("--train", "--optimizer", "--implementation", "--amp", "--checkpoint", "--accumulate", "--frozen"),
        *("--lora", "--lora-layers"),
    ),
    "Output": (
        *(
            "--format",
            "--output",
            "--open",
            "--depth",
            "--all",
            "--pager",
            "--only",
            "--columns",
            "--sort",
            "--top",
            "--rails",
        ),
        *("--plot", "--dark", "--x", "--y", "--ascii", "--quiet", "--full", "--rules"),
    ),
    "Gates": (
        *(
            "--fits",
            "--exit-code",
            "--fail-on",
            "--any-input",
            "--find-min",
            "--baseline",
            "--update-baseline",
            "--reason",
        ),
        *("--strict", "--ignore", "--config"),
    ),
    "Run": ("--timeout", "--max-memory", "--jobs", "--cluster", "--restart", "--debug", "--version", "--help"),
}
#: Bounds that click prints, and that nobody comes near.
_BOUNDS = re.compile(r"\s*\[(\S*<=?x\S*|x>=?0)\]|; \S*x[<>]\S*(?=\])")


#: The groups of commands in ``--help``, in their order. A command that is in none is in the last one.
GROUPS = {
    "Look at a network": ("summary", "explain", "block", "residual", "identity"),
    "Compare networks": ("diff", "compare"),
    "Measure": ("fit", "sweep"),
    "Check": ("check", "comment", "weights"),
    "More": ("batch", "models", "cache", "doctor", "completion"),
}


def grouped(commands: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Commands and their lines, by the titles of their groups."""
    named = {name for names in GROUPS.values() for name in names}
    groups = {title: [(name, commands[name]) for name in names if name in commands] for title, names in GROUPS.items()}
    groups[[*GROUPS][-1]] += [(name, text) for name, text in commands.items() if name not in named]
    return groups


def write_commands(commands: Mapping[str, str], formatter: click.HelpFormatter) -> None:
    """Writes the commands, a group after the other."""
    width = max(map(len, commands))
    for title, records in grouped(commands).items():
        with formatter.section(title):
            formatter.write_dl([(name.ljust(width), text) for name, text in records])


def sections(command: click.Command, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
    """The options and what they mean, by the titles of their sections.

    Those of one side of a comparison, and budgets, are one line each.
    """
    found: dict[str, list[tuple[str, str]]] = {"Options": [], **{name: [] for name in SECTIONS}}
    sides: list[str] = []
    budgets: list[str] = []
    place = 0
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is None or not isinstance(param, click.Option):
            continue
        name = max(param.opts, key=len)  # click 8.1 has -h and --help in any order
        if re.match("--(old|new)-", name):
            sides.append(name.partition("-")[2].partition("-")[2].partition("-")[2])
            continue
        section = next((title for title, names in SECTIONS.items() if name in names), None)
        if section is None and re.match("--(max|warn)-", name):
            place = place or len(found["Gates"])
            budgets += [name.removeprefix("--max-")] if name.startswith("--max-") else []
            continue
        section = section or "Options"
        found[section].append((re.sub("(INTEGER|FLOAT) RANGE", "N", record[0]), _BOUNDS.sub("", record[1])))
    if sides:
        options = ", ".join(f"--{name}" for name in dict.fromkeys(sides))
        found["Model"].append(("--old-*, --new-*", f"Any of {options}, for one side: --old-backend torch."))
    if budgets:
        text = f"Upper limit, for the model or one module (--max-macs layer4=1G): {', '.join(budgets)}."
        found["Gates"][place:place] = [
            ("--max-* [PART=]AMOUNT", text),
            ("--warn-* [PART=]AMOUNT", "As --max-*, but only a warning: --warn-params 24M."),
        ]
    filled = {title: records for title, records in found.items() if records}
    return filled if len(filled) > 1 else {"Options": [*chain(*filled.values())]}


def write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Writes the options, a section after the other."""
    for title, records in sections(command, ctx).items():
        with formatter.section(title):
            formatter.write_dl(records)


def write_examples(examples: Iterable[str], formatter: click.HelpFormatter) -> None:
    """Writes the examples as they are, for they must not be wrapped."""
    with formatter.section("Examples"):
        formatter.write("".join(f"{'':>{formatter.current_indent}}{line}\n" for line in examples))


def split_examples(text: str) -> tuple[str, list[str]]:
    """A docstring without its examples, and those: the paragraphs that begin with ``\\b`` and have commands."""
    kept, examples = [], []
    for paragraph in text.split("\n\n"):
        lines = [line.strip() for line in paragraph.strip().splitlines()]
        if lines[:1] == ["\b"] and all(line.startswith("resnet-inspect") for line in lines[1:]):
            examples += lines[1:]
        else:
            kept.append(paragraph)
    return "\n\n".join(kept), examples
