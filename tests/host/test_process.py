"""The command's own process: how it ends, and that whoever imports us keeps theirs as it is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.command import script


def ended(source: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", [0, 3])
def test_leaving_does_what_is_to_be_done_at_exit(code: int) -> None:
    done = ended(f"""
import atexit, sys
from resnet_inspect import process
process.own()
atexit.register(lambda: print("goodbye", end=""))
class Late:
    def __del__(self): print("never")
late = Late()
print("document", end=" ")
process.leave({code})
""")
    assert (done.returncode, done.stdout, done.stderr) == (code, "document goodbye", "")


def test_a_thread_that_still_works_is_waited_for() -> None:
    done = ended("""
import threading, time
from resnet_inspect import process
def work():
    time.sleep(0.3)
    print("done")
threading.Thread(target=work).start()
process.leave(4)
""")
    assert (done.returncode, done.stdout) == (4, "done\n")


def test_a_reader_that_has_gone_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m resnet_inspect summary --format json | head -c 10; echo ${{PIPESTATUS[0]}}",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        executable="/bin/bash",
    )
    assert (done.stdout, done.stderr) == ('{\n  "schem0\n', "")


def test_whoever_runs_us_inside_a_program_keeps_it() -> None:
    inside = ended("""
import gc, runpy, sys
sys.argv = ["resnet-inspect", "models", "resnet18"]
try: runpy.run_module("resnet_inspect", run_name="__main__")
except SystemExit as end: print("alive", end.code, gc.isenabled())
""")
    assert inside.stdout.endswith("alive 0 True\n")
    profiled = [sys.executable, "-m", "cProfile", "-m", "resnet_inspect", "models", "resnet18"]
    done = subprocess.run(profiled, capture_output=True, text=True, check=False)
    assert "function calls" in done.stdout


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_closed_stream_is_no_failure(closed: str) -> None:
    command = f"{sys.executable} -m resnet_inspect summary resnet18 -o /dev/null --format json {closed}>&-"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_collector_is_off_only_until_a_framework_is_there() -> None:
    said = script("""
import gc
from resnet_inspect import process
with process.importing(): pass
print(gc.isenabled(), gc.get_freeze_count())
process.own()
print(gc.isenabled())
with process.importing(): print(gc.isenabled())
print(gc.isenabled(), gc.get_freeze_count() > 0)
""")
    assert said == "True 0\nFalse\nFalse\nTrue True\n"


def test_the_collector_rests_while_a_graph_is_read_only_in_our_own_process() -> None:
    said = script("""
import gc
from resnet_inspect import process
with process.uncollected(): print(gc.isenabled())
process.own()
with process.uncollected(): pass
print(gc.isenabled())
gc.enable()
try:
    with process.uncollected(): print(gc.isenabled()); raise ValueError
except ValueError: print(gc.isenabled())
""")
    assert said.split() == ["True", "False", "False", "True"]


@pytest.mark.parametrize(("given", "then"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_of_our_own_process_sleep_while_they_wait(given: str | None, then: str) -> None:
    said = script(f"""
import os
from resnet_inspect import process
os.environ.pop("OMP_WAIT_POLICY", None)
os.environ.update({{}} if {given!r} is None else {{"OMP_WAIT_POLICY": {given!r}}})
with process.importing(): pass
print(os.environ.get("OMP_WAIT_POLICY"))
process.own()
print(os.environ.get("OMP_WAIT_POLICY"))
""")
    assert said.split() == [str(given), then]


def test_importing_us_changes_nothing() -> None:
    said = script("""
import gc, sys
import resnet_inspect
from resnet_inspect import ir
from resnet_inspect.readers import Request
from resnet_inspect.answers import adapter
adapter("local").summarize(Request())
import resnet_inspect.cli
finders = [type(finder).__module__ for finder in sys.meta_path]
print(gc.isenabled(), gc.get_freeze_count(), [name for name in finders if "resnet" in name])
""")
    assert said == "True 0 []\n"


@pytest.mark.parametrize("command", ["summary resnet18 --format json", "check resnet18", "models resnet18", "--help"])
def test_a_document_for_a_closed_stream_is_an_error(command: str) -> None:
    line = f"{sys.executable} -m resnet_inspect {command} >&-"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "error: standard output is closed\n")
