"""HDF5 files that lead to other files, or are built otherwise than Keras builds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_inspect.readers.kind import kind_of
from tests.support.command import document, needs, run, script

pytestmark = needs("h5py")

_BEFORE = """
import h5py, numpy as np
def old(file, weights=(b"w:0",), layers=(b"a",)):
    file.attrs["layer_names"] = np.array(layers)
    group = file.create_group("a")
    group.attrs["weight_names"] = np.array(weights)
    return group
"""
_STRANGE = {
    "an external link": 'old(file)["w:0"] = h5py.ExternalLink("other.h5", "/secret")',
    "a soft link": 'old(file)["w:0"] = h5py.SoftLink("/a/b")',
    "an external group": 'old(file, layers=[b"x"]); file["x"] = h5py.ExternalLink("other.h5", "/")',
    "a link in itself": 'old(file)["w:0"] = h5py.SoftLink("/a/w:0")',
    "an absolute name": 'old(file, weights=[b"/a/w"])["w"] = np.zeros(2)',
    "a name of dots": 'old(file, weights=[b"../a"])',
    "no such name": "old(file)",
    "names that are numbers": 'file.attrs["layer_names"] = np.zeros(3)',
    "one number": 'file.attrs["layer_names"] = 7',
    "names that aren't text": 'file.attrs["layer_names"] = np.array([b"\\xff\\xfe"])',
    "a name that isn't text": 'name = b"\\xff"; '
    "old(file, np.array([name], dtype=h5py.string_dtype())).create_dataset(name, (2,))",
    "names without end": 'file.attrs.create("layer_names", np.zeros(3_000_000, "S1"))',
    "a group as a weight": 'old(file).create_group("w:0")',
    "text as a weight": 'old(file)["w:0"] = "text"',
    "compound": 'old(file)["w:0"] = np.zeros(2, [("a", "f4"), ("b", "i8")])',
    "external data": 'old(file).create_dataset("w:0", (4,), "f4", external=[("other.h5", 0, 16)])',
    "virtual": 'v = h5py.VirtualLayout((4,), "f4"); v[:] = h5py.VirtualSource("other.h5", "secret", (4,)); '
    'old(file).create_virtual_dataset("w:0", v)',
    "virtual, new": 'v = h5py.VirtualLayout((4,), "f4"); v[:] = h5py.VirtualSource("other.h5", "secret", (4,)); '
    'file.create_group("layers/a/vars").create_virtual_dataset("0", v)',
    "a soft link, new": 'file["a/vars/0"] = np.zeros(2); file["b/vars/0"] = h5py.SoftLink("/a/vars/0")',
    "an external link, new": 'file["a/vars/0"] = np.zeros(2); file["b/vars"] = h5py.ExternalLink("other.h5", "/")',
    "a second name": 'file["a/0"] = np.zeros(2); file["b/vars/0"] = file["a/0"]',
    "a second name of a group": 'file["zz/vars/0"] = np.zeros(2); file["optimizer"] = file["zz"]',
    "a name of its own folder": 'file["a/vars/0"] = np.zeros(2); file["a/again"] = file["a"]',
    "a name of all": 'file["a/vars/0"] = np.zeros(2); file["a/all"] = file["/"]',
    "a name that isn't text, new": 'file[b"a/vars/\\xff"] = np.zeros(2)',
    "folders without end": 'file["/".join(["vars"] * 1_500)] = np.zeros(2)',
    "model_weights elsewhere": 'file["model_weights"] = h5py.ExternalLink("other.h5", "/")',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("h5")
    lines = [
        f"with h5py.File({name + '.h5'!r}, 'w', track_order=True) as file: {made}" for name, made in _STRANGE.items()
    ]
    lines.append("with h5py.File('other.h5', 'w') as file: file['secret'] = np.zeros(4, 'f4')")
    lines.append(
        "with h5py.File('slash.h5', 'w', libver='earliest') as file:\n"
        "    file['vars_0'], file['0'] = np.zeros((4, 5), 'f4'), np.zeros(6, 'f4')\n"
        "    file['vars'] = h5py.ExternalLink(os.path.abspath('others.h5'), '/')\n"
        "with h5py.File('others.h5', 'w') as file: file['0'] = np.zeros((77, 3), 'f4')\n"
        "data = open('slash.h5', 'rb').read()\n"
        "with open('slash.h5', 'wb') as file: file.write(data.replace(b'vars_0', b'vars/0'))"
    )
    lines.append("with h5py.File('new.h5', 'w') as file: file['layers/a/vars/0'] = np.zeros((3, 4), 'f4')")
    lines.append(
        "with h5py.File('old.h5', 'w') as file:\n"
        "    old(file)['w:0'] = np.zeros((3, 4), 'f4')\n"
        "    group = file['a']; del group.attrs['weight_names']; group.attrs['weight_names0'] = np.array([b'w:0'])"
    )
    script(f"import os; os.chdir({str(path)!r})\n" + _BEFORE + "\n".join(lines))
    return path


@pytest.mark.parametrize("name", _STRANGE)
def test_strange_files_are_one_line(name: str, folder: Path) -> None:
    done = run("summary", str(folder / f"{name}.h5"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done.stderr
    assert f"{name}.h5 is damaged: " in done.stderr
    assert "internal error" not in done.stderr


@pytest.mark.parametrize("name", ["new", "old"])
def test_honest_files_are_read_in_a_child(name: str, folder: Path) -> None:
    path = folder / f"{name}.h5"
    assert kind_of(path) == "hdf5"
    assert document("summary", str(path))["totals"]["params"] == 12


def test_the_name_of_a_link_with_a_slash_leads_to_no_other_file(folder: Path) -> None:
    """HDF5 takes such a name for a path, whose first part is a link to a file with other weights."""
    assert b"vars/0" in (folder / "slash.h5").read_bytes()
    done = run("summary", str(folder / "slash.h5"))
    assert (done.returncode, done.stdout) == (3, "")
    assert "'vars' is a link, which Keras doesn't write" in done.stderr


def test_to_tell_the_kind_needs_no_h5py(folder: Path) -> None:
    said = script(
        "import sys; from pathlib import Path; from resnet_inspect.readers.kind import kind_of; "
        f"print(kind_of(Path({str(folder / 'new.h5')!r})), 'h5py' in sys.modules)"
    )
    assert said.split() == ["hdf5", "False"]
