"""Users' code that misbehaves: the verdict is the document's, whatever a model does to the process that it runs in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.answers.test_worker import gone
from tests.support.command import needs, run
from tests.support.processes import Marked

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
        time.sleep(600)

def hang(daemon):
    threading.Thread(target=time.sleep, args=(600,), daemon=daemon).start()

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
#: Each ends with one line and an exit code of docs/exit-codes.md.
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


def ask(folder: Path, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
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
def test_a_model_that_ends_its_process_fails_the_check(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    code, words = FAILS[name]
    asked = ("check", f"net.py:{name}", "--input", "4", "--max-params", "1M", "--format", "json")
    done = run(*asked, text="y\n", warm="torch")
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
    # Nobody waits for what sleeps for ten minutes.
    done = ask(folder, "summary", f"net.py:{name}", "--input", "4", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["totals"]["params"] == PARAMS


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
    done = ask(tmp_path, "batch", "requests.jsonl", "--jobs", jobs)
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
    assert gone(child)


GARBAGE = """
import os, sys, time
from torch import nn

def writes(garbage):
    def build():
        for number in range(3, 64):
            try:
                os.write(number, garbage)
            except OSError:
                pass
        return nn.Linear(4, 2)
    return build

Lines, Number, Torn, Another = map(writes, (b"x\\n\\n", b"[]\\n3\\n", b"[]\\n[", b'[]\\n{}, "number": 7\\n'))
Deep = writes(b"[]\\n" + b"[" * 100_000 + b"\\n")

def Patches():
    sys.modules["json"].dumps = lambda *_, **__: "garbage"
    return nn.Linear(4, 2)

def Stays():
    os._exit = lambda code: None
    return nn.Linear(4, 2)

def Moves():
    os.setpgid(0, os.getpgid(os.getppid()))
    time.sleep(600)

def ReadsAhead():
    return nn.Linear(4, 2 + len(sys.stdin.read()))

def Good():
    return nn.Linear(4, 2)
"""


@needs("torch")
def test_what_a_line_does_to_the_pipe_of_its_answer_stays_its_own(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(GARBAGE)
    names = ["Lines", "Number", "Torn", "Another", "Deep", "Patches", "Stays", "Moves", "ReadsAhead"]
    names = [name for each in names for name in (each, "Good")]
    requests = "".join(json.dumps({"model": f"net.py:{name}", "input": "4"}) + "\n" for name in names)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

    def answered(jobs: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "resnet_inspect", "batch", "-", "--jobs", jobs, "--timeout", "10"]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            input=requests,
            cwd=tmp_path,
            env=environment,
            check=False,
            timeout=120,
        )

    # Each waits for what never answers; they do so at the same time.
    with ThreadPoolExecutor(2) as pool:
        alone, together = pool.map(answered, ("1", "2"))
    assert alone.stdout == together.stdout
    results = [json.loads(line) for line in alone.stdout.splitlines()]
    assert len(results) == len(names), alone.stderr
    found = {name: result for name, result in zip(names, results, strict=True) if name != "Good"}
    for result in (*results[1::2], found["Stays"], found["ReadsAhead"]):
        assert result["totals"]["params"] == PARAMS, result
    for name in ("Lines", "Number", "Torn", "Another", "Deep", "Patches"):
        assert found[name]["error"]["message"] == f"net.py:{name} gave no answer that can be read"
    assert "didn't answer within 10 seconds" in found["Moves"]["error"]["message"]


@needs("torch")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a process what its descendants leave behind")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None])
def test_what_users_code_has_started_ends_with_the_command(number: signal.Signals | None, tmp_path: Path) -> None:
    stays = (
        "import os, time\nif not os.fork():\n"
        "    os.setsid()\n    os.fork() or open('there', 'w')\n    time.sleep(600)\n"
    )
    waits = "time.sleep(600)\n" if number else "while not os.path.exists('there'): time.sleep(0.01)\n"
    (tmp_path / "net.py").write_text(f"{stays}{waits}from torch import nn\ndef Net():\n    return nn.Linear(4, 2)\n")
    marked = Marked()
    command = [sys.executable, "-m", "resnet_inspect", "summary", "net.py:Net", "--input", "4"]
    process = subprocess.Popen(command, cwd=tmp_path, env=marked.environment, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while number and not (tmp_path / "there").exists() and time.monotonic() < until:
        time.sleep(0.01)
    if number:
        process.send_signal(number)
    process.wait(60)
    assert (tmp_path / "there").exists()
    assert marked.alive_after(10) == []


STREAMS = """
import sys
from torch import nn

class Tee:
    write = sys.stdout.write

def Closes():
    sys.stdout.close()
    return nn.Linear(4, 2)

def Removes():
    sys.stdout = None
    return nn.Linear(4, 2)

def Replaces():
    sys.stdout = Tee()
    print("said")
    return nn.Linear(4, 2)

def Long():
    raise type("E" * 10**7, (Exception,), {})("x" * 10**8)
"""


@needs("torch")
@pytest.mark.parametrize("name", ["Closes", "Removes", "Replaces"])
def test_what_a_model_does_to_stdout_is_its_own_affair(name: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(STREAMS)
    done = ask(tmp_path, "summary", f"net.py:{name}", "--input", "4", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["totals"]["params"] == PARAMS


@needs("torch")
def test_an_error_of_a_hundred_megabytes_is_told_as_any(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(STREAMS)
    done = ask(tmp_path, "summary", "net.py:Long", "--timeout", "20")
    assert done.returncode == 3
    assert "net.py:Long: net.py:" in done.stderr
    assert len(done.stderr) < 10_000
