"""Numbers as people read them: thousands are k, M and G; bytes are KiB, MiB and GiB; unknown is n/a."""

from __future__ import annotations

import pytest

from resnet_inspect import units


@pytest.mark.parametrize(
    ("value", "si", "binary"),
    [
        (None, "n/a", "n/a"),
        (0, "0", "0 B"),
        (999, "999", "999 B"),
        (1000, "1.00 k", "1000 B"),
        (1024, "1.02 k", "1.00 KiB"),
        (999_499, "999 k", "976 KiB"),
        (999_500, "1.00 M", "976 KiB"),
        (25_557_032, "25.6 M", "24.4 MiB"),
        (4 * 25_557_032, "102 M", "97.5 MiB"),
        (4_089_184_256, "4.09 G", "3.81 GiB"),
        (1024**3 - 1, "1.07 G", "1.00 GiB"),
        (-1500, "-1.50 k", "-1.46 KiB"),
    ],
)
def test_three_digits_and_a_prefix(value: int | None, si: str, binary: str) -> None:
    assert (units.si(value), units.binary(value)) == (si, binary)


def test_exact_numbers_differences_and_shares() -> None:
    assert (units.exact(25_557_032), units.exact(None), units.exact(0)) == ("25,557,032", "n/a", "0")
    assert (units.signed(2_360_000, units.si), units.signed(-12, units.exact), units.signed(0, units.si)) == (
        "+2.36 M",
        "-12",
        "0",
    )
    assert (units.percent(200, 201), units.percent(0, 5), units.percent(None, 5)) == ("+0.50 %", "n/a", "n/a")


@pytest.mark.parametrize(
    ("value", "si", "binary"),
    [
        # Three digits: two decimals below 10, one below 100, as it is rounded.
        (9_994, "9.99 k", "9.76 KiB"),
        (9_995, "10.0 k", "9.76 KiB"),
        (9_996, "10.0 k", "9.76 KiB"),
        (99_940, "99.9 k", "97.6 KiB"),
        (99_950, "100 k", "97.6 KiB"),
        # What rounds to a whole step has the next prefix.
        (1023 * 1024 + 511, "1.05 M", "1023 KiB"),
        (1023 * 1024 + 512, "1.05 M", "1.00 MiB"),
        # Every prefix, and none beyond the last.
        *((10 ** (3 * power), f"1.00 {prefix}", None) for power, prefix in enumerate("kMGTPE", 1)),
        *((1024**power, None, f"1.00 {prefix}iB") for power, prefix in enumerate("KMGTP", 1)),
        (10**24, "1000000 E", None),
        (1024**6, None, "1024 PiB"),
        (-(10**6), "-1.00 M", "-977 KiB"),
        (1, "1", "1 B"),
    ],
)
def test_where_digits_and_prefixes_change(value: int, si: str | None, binary: str | None) -> None:
    assert si is None or units.si(value) == si
    assert binary is None or units.binary(value) == binary


def test_percentages_have_three_digits() -> None:
    cases = [(100, 101, "+1.00 %"), (1000, 1099, "+9.90 %"), (1000, 900, "-10.0 %"), (100, 199, "+99.0 %")]
    cases += [(10, 25, "+150 %"), (100_000, 109_994, "+9.99 %"), (100_000, 109_995, "+10.0 %"), (3, 0, "-100 %")]
    cases += [(100_000, 199_949, "+99.9 %"), (100_000, 199_950, "+100 %")]
    for old, new, said in cases:
        assert units.percent(old, new) == said
    assert [units.percent(*pair) for pair in ((0, 1), (None, 1), (1, None))] == ["n/a"] * 3
    assert units.signed(1, units.exact) == "+1"
    assert units.signed(None, units.si) == "n/a"
    assert [units.share(part) for part in (None, 0.1234, 1.0, 0.0)] == ["n/a", "12.3 %", "100.0 %", "0.0 %"]
