"""Summaries of zoo models that are kept from run to run."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.command import local, needs, run
from tests.support.kept import TORCH, entries, own, sealed

BACKBONE = [
    part
    for name in ("vocabulary_size", "num_layers", "num_heads", "hidden_dim", "intermediate_dim")
    for part in ("--arg", f"{name}=4")
]


@needs("torch")
def test_the_second_run_says_the_same(folder: Path) -> None:
    arguments = ["summary", "torch:resnet18", "--input", "64x96x3", "--format", "json"]
    first = run(*arguments, warm="torch")
    assert first.returncode == 0
    assert "note:" in first.stderr
    assert len(entries(folder)) == 1
    second = local(*arguments)
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, first.stderr)
    fresh = run(*arguments, "--no-cache", warm="torch")
    assert (fresh.stdout, fresh.stderr) == (first.stdout, first.stderr)


@needs("torch")
def test_a_hit_loads_no_framework(folder: Path) -> None:
    assert run("summary", "torch:resnet18", warm="torch").returncode == 0
    said = own("""
    import contextlib, io
    sys.argv = ["resnet-inspect", "summary", "torch:resnet18", "--format", "json"]
    from resnet_inspect.cli import main
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()
    print([name for name in ("torch", "numpy", "rich", "subprocess", "importlib.metadata") if name in sys.modules])
    """)
    # Python 3.10's own ``platform`` imports subprocess.
    assert said in ("[]\n", "['subprocess']\n" if sys.version_info < (3, 11) else "")


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(["timm:resnet18"], marks=needs("timm")),
        pytest.param(["transformers:mixtral"], marks=needs("transformers")),
        pytest.param(["transformers:t5", "--decode", "100"], marks=needs("transformers")),
        pytest.param(["keras_hub:BertBackbone", *BACKBONE], marks=needs("keras_hub")),
    ],
    ids=lambda model: model[0],
)
def test_libraries_are_kept_too(folder: Path, model: list[str]) -> None:
    """Experts that a token doesn't take and the cache of a decoder come back as well: the table and JSON have them."""
    library = model[0].partition(":")[0]
    for form in ("json", "table"):
        first = run("summary", *model, "--format", form, warm=library)
        assert first.returncode == 0, first.stderr
        assert len(entries(folder)) == 1
        second = local("summary", *model, "--format", form)
        fresh = run("summary", *model, "--format", form, "--no-cache", warm=library)
        assert (first.stdout, first.stderr) == (second.stdout, second.stderr) == (fresh.stdout, fresh.stderr)


@needs("transformers")
def test_a_folder_with_a_configuration_is_not_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = tmp_path / "bert"
    named.mkdir()
    for hidden in (24, 36):
        (named / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": hidden, "vocab_size": 10}))
        done = run("summary", "transformers:bert", "--format", "json", warm="transformers")
        # 10 words, 512 places and 2 types, each a vector of the hidden size.
        rows = {row["path"]: row["params"] for row in json.loads(done.stdout)["layers"]}
        assert rows["embeddings.position_embeddings"] == 512 * hidden
    assert entries(folder) == []


@needs("torch")
def test_every_command_reads_what_another_one_kept(folder: Path) -> None:
    assert run("check", "torch:resnet18", "--max-params", "12M", warm="torch").returncode == 0
    (entry,) = entries(folder)
    before = entry.stat().st_mtime_ns
    assert local("residual", "torch:resnet18").returncode == 0
    assert local("models", "resnet1[8]", "--backend", "torch", "--counts").stdout.split()[1] == "11,689,512"
    assert local("compare", "torch:resnet18", "resnet18").returncode == 0
    assert entries(folder) == [entry]
    assert entry.stat().st_mtime_ns > before  # used again, it stays longest


@needs("torch")
def test_everything_that_changes_the_answer_is_part_of_the_key(folder: Path) -> None:
    said = own("""
    remember(); remember()
    for fields in (dict(inputs=Shapes(((3, 64, 64),))), dict(batch=2), dict(dtype="float16"), dict(layout="NCHW"),
                   dict(arguments=(("num_classes", 10),)), dict(arguments=(("num_classes", 10.0),))):
        with __import__("contextlib").suppress(Exception): remember(**fields)
    remember("resnet34")
    print(len(asked), len(set(Path(cache.contents().folder).glob("*.summary"))))
    """)
    assert said == "8 7\n"  # 10.0 is not a number of classes: an error is not an answer


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


@needs("tensorflow")
@pytest.mark.parametrize(
    "module",
    [
        "resnet_inspect.readers.keras.reader",
        pytest.param("resnet_inspect.readers.libraries.keras_hub", marks=needs("keras_hub")),
    ],
)
def test_settings_and_our_own_code_are_part_of_the_key(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = set()
    keras = f"""
    print(cache._key({module!r}, Request("ResNet50")))
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
        ("resnet_inspect.readers.torch.reader", Request("resnet18", weights="default")),
        ("resnet_inspect.readers.torch.reader", Request("resnet18", inputs=UserFunction("data:batch"))),
        ("resnet_inspect.readers.libraries.timm", Request("resnet18", weights="a1_in1k")),
        ("somebody.elses", Request("resnet18")),
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
    assert local("cache", "info").stdout.startswith("Nothing is kept")


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
    assert local("cache", "info").returncode == local("cache", "clear").returncode == 0


@needs("torch")
def test_info_and_clear(folder: Path) -> None:
    own("remember(); remember('resnet34')")
    mine = ["notes.txt", "resnet50.summary", ".notes.summary.bak"]
    for name in mine:
        (folder / name).write_text("mine")
    (folder / f"{'0' * 64}.summary").mkdir()
    sizes = sum(path.stat().st_size for path in entries(folder) if path.is_file() and path.name not in mine)
    document = json.loads(local("cache", "info", "--format", "json").stdout)
    assert document == {"folder": str(folder), "entries": 2, "bytes": sizes, "limit_bytes": 64 * 2**20}
    assert "Entries  2\n" in local("cache", "info").stdout
    assert local("cache", "clear").stdout.startswith("2 entries removed")
    assert sorted(path.name for path in folder.iterdir()) == sorted([*mine, f"{'0' * 64}.summary"])
    assert local("cache", "clear").stdout.startswith("0 entries removed")
