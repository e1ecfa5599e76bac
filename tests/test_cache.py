"""Summaries of zoo models that are kept from run to run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resnet_inspect.answers import cache_folder

from .command import needs, run

TORCH = "resnet_inspect.readers.torch.reader"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESNET_INSPECT_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def own_script(source: str) -> str:
    """A script for a process that is ours, with ``remember(name)``, which counts what it had to ask for."""
    begin = f"""
    import sys
    from pathlib import Path
    from resnet_inspect import process
    process.own()
    from resnet_inspect.answers import cache
    from resnet_inspect.readers import Request
    from resnet_inspect.readers.local import reader
    asked = []
    def summarize(request):
        asked.append(request.model)
        return reader.summarize(request)
    def remember(name="resnet18", **fields):
        return cache.remembered({TORCH!r}, Request(name, **fields), summarize)
    """
    return textwrap.dedent(begin) + textwrap.dedent(source)


def own(source: str) -> str:
    """What such a script prints."""
    done = subprocess.run([sys.executable, "-c", own_script(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sealed(folder: Path, name: str, content: bytes) -> None:
    """Writes an entry as only somebody with the folder's key can."""
    with cache_folder.opened(folder) as ours:
        assert ours is not None
        ours.write(name, content)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.summary"))


@needs("torch")
def test_the_second_run_says_the_same(folder: Path) -> None:
    arguments = ["summary", "torch:resnet18", "--input", "64x96x3", "--format", "json"]
    first = run(*arguments)
    assert first.returncode == 0
    assert "note:" in first.stderr
    assert len(entries(folder)) == 1
    second = run(*arguments)
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, first.stderr)
    fresh = run(*arguments, "--no-cache")
    assert (fresh.stdout, fresh.stderr) == (first.stdout, first.stderr)


@needs("torch")
def test_a_hit_loads_no_framework(folder: Path) -> None:
    assert run("summary", "torch:resnet18").returncode == 0
    said = own("""
    import contextlib, io
    sys.argv = ["resnet-inspect", "summary", "torch:resnet18", "--format", "json"]
    from resnet_inspect.cli import main
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()
    print([name for name in ("torch", "numpy", "rich", "subprocess", "importlib.metadata") if name in sys.modules])
    """)
    # Python 3.10's own ``platform`` imports subprocess.
    assert said in ("[]\n", "['subprocess']\n" if sys.version_info < (3, 11) else "")


@needs("torch")
def test_every_command_reads_what_another_one_kept(folder: Path) -> None:
    assert run("check", "torch:resnet18", "--max-params", "12M").returncode == 0
    (entry,) = entries(folder)
    before = entry.stat().st_mtime_ns
    assert run("residual", "torch:resnet18").returncode == 0
    assert run("models", "resnet18", "--backend", "torch", "--counts").stdout.split()[1] == "11,689,512"
    assert run("compare", "torch:resnet18", "resnet18").returncode == 0
    assert entries(folder) == [entry]
    assert entry.stat().st_mtime_ns > before  # used again, it stays longest


@needs("torch")
def test_everything_that_changes_the_answer_is_part_of_the_key(folder: Path) -> None:
    said = own("""
    remember(); remember()
    for fields in (dict(inputs=((3, 64, 64),)), dict(batch=2), dict(dtype="float16"), dict(layout="NCHW"),
                   dict(arguments=(("num_classes", 10),)), dict(arguments=(("num_classes", 10.0),))):
        with __import__("contextlib").suppress(Exception): remember(**fields)
    remember("resnet34")
    print(len(asked), len(set(Path(cache.contents().folder).glob("*.summary"))))
    """)
    assert said == "8 7\n"  # 10.0 is no number of classes: an error is no answer


@needs("torch")
def test_other_files_of_a_framework_are_another_key(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("torch", "torchvision"):
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").touch()
        (site / f"{name}-1.0.dist-info").mkdir()
        (site / f"{name}-1.0.dist-info" / "RECORD").write_text(f"{name}/__init__.py,sha256=abc,0\n")
    key = f"""
    sys.path.insert(0, {str(site)!r})
    print(cache._key({TORCH!r}, Request("resnet18")))
    """
    first = own(key)
    assert len(first) == 65
    assert own(key) == first
    record = site / "torchvision-1.0.dist-info" / "RECORD"
    record.write_text("torchvision/__init__.py,sha256=abd,0\n")
    second = own(key)
    assert len({first, second}) == 2
    record.parent.rename(site / "torchvision-1.1.dist-info")
    assert len({first, second, own(key)}) == 3
    # A checkout on the path says nothing of its files: nothing is kept.
    (site / "torchvision-1.1.dist-info" / "RECORD").unlink()
    assert own(key) == "None\n"


@needs("torch")
def test_settings_and_our_own_code_are_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    keras = """
    print(cache._key("resnet_inspect.readers.keras.reader", Request("ResNet50")))
    """
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    keys.add(own(keras))
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_last"}')
    keys.add(own(keras))
    assert len(keys) == 1  # Keras writes that file itself when it is imported first
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    keys.add(own(keras))
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    keys.add(own(keras))
    keys.add(own("cache._own_files = lambda: [('a.py', 1, 1)]" + keras.replace("\n    ", "\n")))
    assert len(keys) == 4
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert own(keras) == "None\n"


@needs("torch")
@pytest.mark.parametrize("damage", [b"", b"PK", b"x\x9c", "cut", "json", "key", "other"])
def test_a_damaged_entry_is_ignored_and_written_anew(folder: Path, damage: bytes | str) -> None:
    import zlib

    own("remember('resnet18'); remember('resnet34')")
    kept, other = entries(folder)
    good = kept.read_bytes()
    if damage == "cut":
        kept.write_bytes(good[:-20])
    elif damage == "json":
        sealed(folder, kept.name, zlib.compress(b"[1, 2]"))
    elif damage == "key":
        document = json.loads(zlib.decompress(good[32:]))
        lie = {**document, "notes": ["of another"]}
        kept.write_bytes(good[:32] + zlib.compress(json.dumps(lie).encode()))
    elif damage == "other":
        kept.write_bytes(other.read_bytes())
    else:
        assert isinstance(damage, bytes)
        kept.write_bytes(damage)
    said = own("""
    totals = {name: remember(name).summary.totals.params for name in ("resnet18", "resnet34")}
    print(len(asked), totals["resnet18"], totals["resnet34"])
    """)
    assert said == "1 11689512 21797672\n"
    assert kept.read_bytes() == good


def test_users_code_and_weights_are_never_kept(folder: Path) -> None:
    said = own("""
    for module, request in [
        ("resnet_inspect.readers.code.reader", Request("net.py:Net")),
        ("resnet_inspect.readers.file", Request("model.onnx")),
        ("resnet_inspect.readers.libraries.transformers", Request("config.json")),
        ("resnet_inspect.readers.torch.reader", Request("resnet18", weights="default")),
        ("resnet_inspect.readers.torch.reader", Request("resnet18", inputs_from="data:batch")),
        ("resnet_inspect.readers.libraries.timm", Request("resnet18")),
    ]:
        print(cache._key(module, request), end=" ")
    """)
    assert said == "None " * 6


@needs("torch")
def test_nothing_is_kept_unless_the_process_is_the_commands(folder: Path) -> None:
    own("process._own = False; remember()")
    assert not folder.exists()


@needs("torch")
@pytest.mark.parametrize("value", ["off", "OFF", "0"])
def test_it_can_be_switched_off(folder: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    own("remember()")
    monkeypatch.setenv("RESNET_INSPECT_CACHE", value)
    assert own("remember(); print(len(asked))") == "1\n"
    assert run("cache", "info").stdout.startswith("Nothing is kept")


@needs("torch")
def test_it_is_bounded_and_the_oldest_go_first(folder: Path) -> None:
    said = own("""
    import os, time
    names = ["resnet18", "resnet34", "resnet50", "resnet101"]
    for age, name in enumerate(names):
        remember(name)
    files = {path: path.stat().st_size for path in Path(cache.contents().folder).iterdir()}
    for path in files: os.utime(path, (1000, 1000))
    remember("resnet18")                      # read again: the last to go
    cache.LIMIT = sum(files.values()) - 1     # room for all but one ...
    remember("resnet152")                     # ... and the largest comes
    asked.clear()
    remember("resnet152"); remember("resnet18")
    print(asked, cache.contents().bytes <= cache.LIMIT, cache.contents().entries < 5)
    """)
    assert said == "[] True True\n"


@needs("torch")
def test_what_a_killed_run_left_is_cleared_up_later(folder: Path) -> None:
    own("remember()")
    left, young, mine = (
        folder / f".{'a' * 64}.summary.x1",
        folder / f".{'b' * 64}.summary.x2",
        folder / ".a.summary.x",
    )
    left.write_bytes(b"half")
    young.write_bytes(b"half")
    mine.write_bytes(b"mine")
    for path in (left, mine):
        os.utime(path, (1000, 1000))
    own("remember('resnet34')")
    assert (left.exists(), young.exists(), mine.exists()) == (False, True, True)


@needs("torch")
def test_many_runs_at_once_agree(folder: Path) -> None:
    source = """
    for name in ("resnet18", "resnet34", "resnet50") * 5: remember(name)
    print(len(asked) <= 3)
    """
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(own, [source] * 4)) == ["True\n"] * 4
    assert len(entries(folder)) == len(list(folder.iterdir())) - 1 == 3  # and the key


@needs("torch")
def test_a_folder_that_cant_be_written_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RESNET_INSPECT_CACHE", str(tmp_path / "file"))
    assert own("print(remember().summary.totals.params)") == "11689512\n"
    monkeypatch.setenv("RESNET_INSPECT_CACHE", "/proc/nowhere")
    assert own("print(remember().summary.totals.params)") == "11689512\n"
    assert run("cache", "info").returncode == run("cache", "clear").returncode == 0


@needs("torch")
def test_info_and_clear(folder: Path) -> None:
    own("remember(); remember('resnet34')")
    mine = ["notes.txt", "resnet50.summary", ".notes.summary.bak"]
    for name in mine:
        (folder / name).write_text("mine")
    (folder / f"{'0' * 64}.summary").mkdir()
    sizes = sum(path.stat().st_size for path in entries(folder) if path.is_file() and path.name not in mine)
    document = json.loads(run("cache", "info", "--format", "json").stdout)
    assert document == {"folder": str(folder), "entries": 2, "bytes": sizes, "limit_bytes": 64 * 2**20}
    assert "Entries  2\n" in run("cache", "info").stdout
    assert run("cache", "clear").stdout.startswith("2 entries removed")
    assert sorted(path.name for path in folder.iterdir()) == sorted([*mine, f"{'0' * 64}.summary"])
    assert run("cache", "clear").stdout.startswith("0 entries removed")


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
        done = run(*command)
        assert done.returncode == 0
        assert done.stderr.startswith(f"note: summaries aren't kept: {folder} is open to other users: chmod 700")
        assert done.stderr.count("\n") == 1
    assert list(folder.iterdir()) == []
    assert f"Problem  not used: {folder} is open" in run("cache", "info").stdout
    assert "open to other users" in json.loads(run("cache", "info", "--format", "json").stdout)["problem"]
    (folder / f"{'0' * 64}.summary").touch()
    done = run("cache", "clear")
    assert (done.returncode, len(list(folder.iterdir()))) == (3, 1)
    assert "nothing was removed" in done.stderr
    folder.chmod(0o700)
    assert run("cache", "clear").stdout.startswith("1 entry removed")


@needs("torch")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
@pytest.mark.parametrize("link", [False, True])
def test_a_folder_of_another_user_isnt_used(folder: Path, tmp_path: Path, link: bool) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 12345, 12345)
    folder.symlink_to(theirs) if link else theirs.rename(folder)
    done = run("summary", "torch:resnet18")
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
    cache._records = lambda package: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
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
