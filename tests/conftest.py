"""What pytest has to know of all tests."""

from __future__ import annotations

import sys

#: These need pseudo-terminals and locks of POSIX.
collect_ignore = ["test_terminal.py", "test_batch_resume.py"] if sys.platform == "win32" else []
