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
