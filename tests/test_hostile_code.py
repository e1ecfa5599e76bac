"""Users' code that misbehaves: the verdict is the document's, whatever a model does to the process that it runs in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .command import needs
from .test_worker import gone

NET = """
import atexit, ctypes, os, signal, sys, threading, time
from torch import nn

class Harmless(nn.Linear):
    def __init__(self):
        super().__init__(4, 2)

class StrRaises(Exception):
    def __str__(self):
        raise RuntimeError("not even that")

def does(act, building=False):
    class Net(Harmless):
        def __init__(self):
            super().__init__()
            if building:
                act()
        def forward(self, x):
            if not building:
                act()
            return super().forward(x)
    return Net

def raises(error):
    raise error

def fork():
    os.fork()

def fork_that_stays():
    if not os.fork():
        time.sleep(60)

def hang(daemon):
    threading.Thread(target=time.sleep, args=(60,), daemon=daemon).start()

def shout():
    print("::error::said by the model", flush=True)
    os.write(1, b"said by C\\n")
    os.write(2, b"said by C\\n")

def alarm():
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    time.sleep(5)

def at_exit():
    atexit.register(shout)
    atexit.register(lambda: 1 / 0)

def another_name():
    sys.argv[:] = ["x"]
    os.chdir("/")
    json = sys.modules["json"]
    json.dumps = lambda *_, **__: "{}"

Quits, QuitsEarly = does(lambda: os._exit(0)), does(lambda: os._exit(0), building=True)
Exits, ExitsEarly = does(lambda: sys.exit(0)), does(lambda: sys.exit(0), building=True)
Faults = does(lambda: ctypes.string_at(0))
Aborts = does(os.abort)
Alarms = does(alarm)
RealTime = does(lambda: os.kill(os.getpid(), signal.SIGRTMIN + 3))
Kills = does(lambda: os.kill(os.getpid(), signal.SIGKILL))
Interrupts = does(lambda: raises(KeyboardInterrupt()))
Based = does(lambda: raises(BaseException("odd")))
BasedEarly = does(lambda: raises(BaseException("odd")), building=True)
Mute, MuteEarly = does(lambda: raises(StrRaises())), does(lambda: raises(StrRaises()), building=True)
Reads = does(input)
Deep = does(lambda: exec("def f(): f()\\nf()", {}))
ClosesAll = does(lambda: os.closerange(3, 300))

Closes = does(lambda: (os.close(0), os.close(1), os.close(2)))
Forks, ForkStays = does(fork), does(fork_that_stays)
Hangs, HangsDaemon = does(lambda: hang(False)), does(lambda: hang(True))
AtExit = does(at_exit)
Shouts, ShoutsEarly = does(shout), does(shout, building=True)
"""
#: Each ends with one line and an exit code of the README's table.
FAILS = {
    **dict.fromkeys(("Quits", "QuitsEarly"), (3, "exited with code 0 without a result")),
    "Exits": (3, "ends the program"),
    "ExitsEarly": (3, "ends the program (exit code 0)"),
    "Faults": (3, "crashed with SIGSEGV"),
    "Aborts": (3, "crashed with SIGABRT"),
    "Alarms": (3, "crashed with SIGALRM"),
    "RealTime": (3, "crashed with signal 37"),
    "Kills": (3, "was killed"),
    "Interrupts": (3, "KeyboardInterrupt"),
    **dict.fromkeys(("Based", "BasedEarly"), (3, "BaseException: odd")),
    "Mute": (4, "StrRaises"),
    "MuteEarly": (3, "StrRaises"),
    "Reads": (4, "EOF"),
    "Deep": (4, "recursion"),
    "ClosesAll": (3, "without a result"),
}
WORKS = ("Closes", "Forks", "ForkStays", "Hangs", "HangsDaemon", "AtExit", "Shouts", "ShoutsEarly")
PARAMS = 4 * 2 + 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile")
    (made / "net.py").write_text(NET)
    (made / "printer.py").write_text("print('said when imported')\nfrom net import *\n")
    return made


def ask(folder: Path, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "resnet_inspect", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        input="y\n",
        cwd=folder,
        env=environment,
        check=False,
        timeout=seconds,
    )


@needs("torch")
@pytest.mark.parametrize("name", FAILS)
def test_a_model_that_ends_its_process_fails_the_check(name: str, folder: Path) -> None:
    code, words = FAILS[name]
    done = ask(folder, "check", f"net.py:{name}", "--input", "4", "--max-params", "1M", "--format", "json")
    assert json.loads(done.stdout)["passed"] is False
    assert done.returncode == (code if code == 3 else 1), done.stderr
    assert words in done.stdout
    assert "internal error" not in done.stdout + done.stderr
    assert done.stderr == ""


@needs("torch")
@pytest.mark.parametrize("name", ["Quits", "Exits", "Mute", "Faults"])
def test_a_summary_of_it_is_one_line(name: str, folder: Path) -> None:
    code, words = FAILS[name]
    done = ask(folder, "summary", f"net.py:{name}", "--input", "4")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), done.stderr
    assert words in done.stderr


@needs("torch")
@pytest.mark.parametrize("name", WORKS)
def test_what_does_no_harm_to_its_answer_is_summarised(name: str, folder: Path) -> None:
    begun = time.monotonic()
    done = ask(folder, "summary", f"net.py:{name}", "--input", "4", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["totals"]["params"] == PARAMS
    assert time.monotonic() - begun < 40  # nobody waits for what sleeps for a minute


@needs("torch")
def test_what_code_prints_while_it_is_looked_for_stays_out(folder: Path) -> None:
    done = ask(folder, "summary", "printer:Harmless", "--input", "4", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["totals"]["params"] == PARAMS


LINES = """
import os, sys, json
import torch
from torch import nn

def Plain(width=3):
    return nn.Linear(4, width)

class Forks(nn.Linear):
    def __init__(self):
        super().__init__(4, 5)
    def forward(self, x):
        os.fork()
        return super().forward(x)

def Changes():
    os.chdir("/")
    nn.Linear.forward = lambda self, x: torch.zeros(1)
    torch.relu = None
    os.environ["HOME"] = "nowhere"
    print("printed", flush=True)
    return nn.Linear(4, 7)
"""


@needs("torch")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_line_gets_its_own_answer_from_a_clean_state(jobs: str, tmp_path: Path) -> None:
    (tmp_path / "lines.py").write_text(LINES)
    names = ["Plain", "Forks", "Changes", "Plain", "Forks", "Plain"]
    requests = "".join(json.dumps({"model": f"lines.py:{name}", "input": "4"}) + "\n" for name in names)
    (tmp_path / "requests.jsonl").write_text(requests)
    done = ask(tmp_path, "batch", "requests.jsonl", "--jobs", jobs, seconds=120)
    assert done.returncode == 0, done.stdout
    results = [json.loads(line) for line in done.stdout.splitlines()]
    widths = {"Plain": 3, "Forks": 5, "Changes": 7}
    assert [item["totals"]["params"] for item in results] == [5 * widths[name] for name in names]
    assert [item["outputs"][0]["shape"] for item in results if item["line"] in (1, 4, 6)] == [[1, 3]] * 3
    assert results[0] | {"line": 4} == results[3]


@needs("torch")
def test_nothing_of_a_killed_command_goes_on(tmp_path: Path) -> None:
    (tmp_path / "burns.py").write_text(
        "import os\nopen('pid', 'w').write(str(os.getpid()))\nx = list(range(9 ** 7))\nwhile True: sorted(x)\n"
    )
    command = [sys.executable, "-m", "resnet_inspect", "summary", "burns.py:Net"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    parent = subprocess.Popen(command, cwd=tmp_path, env=environment)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.05)
    child = int((tmp_path / "pid").read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    begun = time.monotonic()
    assert gone(child)
    assert time.monotonic() - begun < 1
