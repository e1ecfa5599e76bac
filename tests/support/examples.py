"""Which examples a property is tried with: the same in each run of the suite, and others, by chance, in ``make fuzz``.

So a change fails by what it does, and what a chance finds is found by whoever looks for it.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

#: How many of each property are asked for; 0 are the suite's own.
ASKED = int(os.environ.get("FUZZ_EXAMPLES", 0))


def load_profile() -> None:
    """For all properties of this process. How long an example takes says how busy the machine is, so none is late."""
    settings.register_profile(
        "suite",
        max_examples=ASKED or 100,
        derandomize=not ASKED,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("suite")


def examples(count: int) -> settings:
    """So many of a property in the suite, where a hundred aren't right."""
    return settings(max_examples=ASKED or count)
