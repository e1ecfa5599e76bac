"""The folder of kept summaries: whose it is, and what becomes of damaged entries, lost keys and full disks."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command import local, needs, run
from tests.support.kept import entries, own, own_script, sealed


@needs("torch")
@pytest.mark.parametrize("key_known", [True, False])
def test_what_swells_without_end_is_read_no_further(folder: Path, key_known: bool) -> None:
    """Whether or not its seal is right, 6 GB take no memory."""
    import zlib

    own("remember()")
    (entry,) = entries(folder)
    good = entry.read_bytes()
    packer = zlib.compressobj(9)
    begin = packer.compress(b" ") + packer.flush(zlib.Z_FULL_FLUSH)
    swells = begin + (packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH)) * 384
    assert len(swells) < 2**23
    sealed(folder, entry.name, swells) if key_known else entry.write_bytes(swells)
    said = own("""
    import resource
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    remember()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(asked, grown // (1024 if sys.platform != "darwin" else 1024 ** 2) < 300)
    """)
    assert said == "['resnet18'] True\n"
    assert entry.read_bytes() == good


def lie_of(entry: bytes) -> bytes:
    import zlib

    document = json.loads(zlib.decompress(entry[32:]))
    return zlib.compress(json.dumps({**document, "summary": document["summary"].replace("resnet18", "evil")}).encode())


@needs("torch")
@pytest.mark.parametrize("how", ["bare", "another key", "fifo", "link", "folder", "huge", "device"])
def test_an_entry_of_somebody_else_isnt_believed(folder: Path, tmp_path: Path, how: str) -> None:
    own("remember()")
    (entry,) = entries(folder)
    good = entry.read_bytes()
    entry.unlink()
    if how == "bare":
        entry.write_bytes(lie_of(good))
    elif how == "another key":
        other = tmp_path / "other"
        other.mkdir(mode=0o700)
        sealed(other, entry.name, lie_of(good))
        entry.write_bytes((other / entry.name).read_bytes())
    elif how == "fifo":
        os.mkfifo(entry)
    elif how == "link":
        (tmp_path / "good").write_bytes(good)
        entry.symlink_to(tmp_path / "good")
    elif how == "folder":
        entry.mkdir()
    elif how == "huge":
        with entry.open("wb") as file:
            file.truncate(2**40)  # a hole: no disk is taken
    elif how == "device":
        entry.symlink_to("/dev/zero")
    said = own("print(remember().summary.model.name, asked)")
    assert said == "resnet18 ['resnet18']\n"
    if how != "folder":
        assert entry.read_bytes() == good
        assert not entry.is_symlink()
        assert own("remember(); print(asked)") == "[]\n"


@needs("torch")
@pytest.mark.parametrize("damage", [b"", b"short", bytes(33), None, "fifo", "folder"])
def test_a_damaged_key_costs_one_run(folder: Path, damage: bytes | str | None) -> None:
    own("remember()")
    key = folder / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.unlink()
    if isinstance(damage, bytes):
        key.write_bytes(damage)
    elif damage == "fifo":
        os.mkfifo(key)
    elif damage == "folder":
        key.mkdir()
    assert own("print(remember().summary.totals.params, asked)") == "11689512 ['resnet18']\n"
    assert own("print(asked) if remember() else None") == ("['resnet18']\n" if damage == "folder" else "[]\n")
    assert not list(folder.glob(".*"))


@needs("torch")
@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701, 0o740])
def test_a_folder_that_others_may_use_isnt_used(folder: Path, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)
    for command in (("summary", "torch:resnet18"), ("compare", "torch:resnet18", "torch:resnet34")):
        done = run(*command, warm="torch")
        assert done.returncode == 0
        assert done.stderr.startswith(f"note: summaries aren't kept: {folder} is open to other users: chmod 700")
        assert done.stderr.count("\n") == 1
    assert list(folder.iterdir()) == []
    assert f"Problem  not used: {folder} is open" in local("cache", "info").stdout
    assert "open to other users" in json.loads(local("cache", "info", "--format", "json").stdout)["problem"]
    (folder / f"{'0' * 64}.summary").touch()
    done = local("cache", "clear")
    assert (done.returncode, len(list(folder.iterdir()))) == (3, 1)
    assert "nothing was removed" in done.stderr
    folder.chmod(0o700)
    assert local("cache", "clear").stdout.startswith("1 entry removed")


@needs("torch")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
@pytest.mark.parametrize("link", [False, True])
def test_a_folder_of_another_user_isnt_used(folder: Path, tmp_path: Path, link: bool) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 12345, 12345)
    folder.symlink_to(theirs) if link else theirs.rename(folder)
    done = run("summary", "torch:resnet18", warm="torch")
    assert done.returncode == 0
    assert "belongs to another user" in done.stderr
    assert list(folder.iterdir()) == []


@needs("torch")
def test_the_folder_is_made_for_us_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        own("remember()")
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@needs("torch")
def test_a_full_disk_costs_nothing(folder: Path) -> None:
    """As far as a process can tell: a limit on the size of files ends its writes the same way."""
    said = own("""
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for most in (0, 16, 100):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        print(remember().summary.totals.params)
    """)
    assert said == "11689512\n" * 3
    assert {path.name for path in folder.iterdir()} <= {"key"}
    assert own("remember(); remember(); print(asked)") == "['resnet18']\n"


@needs("torch")
def test_killed_while_it_writes_it_leaves_what_is_cleared_up(folder: Path) -> None:
    """A kill at a random moment of many writes: what is there afterwards is whole, or gone with the next writes."""
    source = """
    remember("resnet18")
    import time
    print("ready", flush=True)
    while True:
        for path in Path(cache.contents().folder).glob("*.summary"): path.unlink()
        remember("resnet18")
    """
    script = own_script(source)
    for _ in range(int(os.environ.get("KILLS", "12"))):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.random() / 50)
            process.kill()
    for path in folder.glob(".*"):
        os.utime(path, (1000, 1000))
    for path in entries(folder):
        path.unlink()
    assert own("remember(); remember(); print(asked)") == "['resnet18']\n"
    assert sorted(path.suffix for path in folder.iterdir()) == ["", ".summary"]


@needs("torch")
def test_a_folder_on_the_path_that_cant_be_read_costs_nothing(folder: Path) -> None:
    said = own("""
    cache._records = lambda package, installed: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    print(remember().summary.totals.params)
    """)
    assert said == "11689512\n"
    assert not folder.exists()


@needs("platformdirs")
def test_the_folder_is_the_platforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESNET_INSPECT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    document = json.loads(run("cache", "info", "--format", "json").stdout)
    assert document["folder"] == str(tmp_path / "resnet-inspect")
