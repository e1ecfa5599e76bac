"""Mutants that do what the original does, so that no test could tell them apart; each with the reason."""

from __future__ import annotations

#: (module, line as it stands, what was changed) -> why nothing changes.
EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "resnet_inspect/analysis/paths.py",
        "return prod(factor**times for factor, times in sorted(factors.items()))",
        "sorted(factors.items()) -> list(factors.items())",
    ): "a product is the same in every order, and only quicker in this one",
    (
        "resnet_inspect/analysis/paths.py",
        "found.add(above)",
        "found.add(above) -> pass",
    ): "paths that are counted in one piece are as many as those counted in several, which is quicker",
    (
        "resnet_inspect/analysis/paths.py",
        "while above is not None:",
        "above is not None -> above is None",
    ): "as above: paths that are counted in one piece are as many",
    (
        "resnet_inspect/analysis/checkpoint_match.py",
        "return next(iter(difflib.get_close_matches(entry.name, names, n=1)), None)",
        "1 -> 2",
    ): "only the first of the matches is taken, and the closest comes first",
    (
        "resnet_inspect/ops/attention.py",
        "query, value, key = (*inputs, inputs[-1])[:3] if len(inputs) > 1 else (inputs[0],) * 3",
        "-1 -> 1",
    ): "of two inputs the last is the second, and of three it is cut off",
    (
        "resnet_inspect/quantity.py",
        'found = len(text) < 100 and re.fullmatch(r"([0-9][0-9_,]*(?:\\.[0-9]+)?)\\s*([kKMGTP]?i?)B?", text.strip())',
        r"'([0-9][0-9_,]*(?:\\.[0-9]+)?)\\s*([kKMGTP]?i?)B?' -> '([0-9][0-9_,]*(?:\\.[0-9]+)?)\\s*([kKMGTP]?i?)B??'",
    ): "a full match reads the B at the end, eagerly or not",
    (
        "resnet_inspect/quantity.py",
        'amount = Fraction(re.sub("[_,]", "", found[1])) * _UNITS[found[2]]',
        "'[_,]' -> '[_,]?'",
    ): "where there is no separator, nothing is replaced by nothing",
    (
        "resnet_inspect/analysis/graph.py",
        "if self._depth[one] < self._depth[other]:",
        "self._depth[one] < self._depth[other] -> self._depth[one] <= self._depth[other]",
    ): "of two layers that are equally deep, either may be called the one",
    (
        "resnet_inspect/diffs/compare.py",
        'yield from (".".join(parts[: end + 1]) for end in range(len(parts)))',
        "len(parts) -> len(parts) + 1",
    ): "the whole path is told twice, to a set and to a search that ends at the first",
    (
        "resnet_inspect/diffs/frameworks.py",
        r'kind = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))',
        r"'\\W+' -> '\\W+?'",
    ): "characters are taken away one by one instead of several at once",
}
