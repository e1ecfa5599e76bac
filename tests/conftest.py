"""What pytest has to know of all tests."""

from __future__ import annotations

import sys

#: These need pseudo-terminals and locks of POSIX.
collect_ignore = (
    ["cli/test_completion.py", "cli/test_terminal.py", "batch/test_resume.py"] if sys.platform == "win32" else []
)
