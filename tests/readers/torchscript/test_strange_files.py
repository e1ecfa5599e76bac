"""TorchScript archives that were made to do harm: each ends in one error, and nothing of torch's loader sees it."""

from __future__ import annotations

import random
import re
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import in_child, needs, script

pytestmark = needs("torch")


def save(folder: str) -> None:
    """Writes the honest archives that the tests rewrite; runs in a process of its own."""
    import warnings

    import torch
    import torchvision  # noqa: F401 - its operators
    from torch import nn

    warnings.simplefilter("ignore")

    class Part(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 8)
            self.scale = 2.0

        @torch.jit.export
        def __getstate__(self):  # type: ignore[no-untyped-def]
            return (self.scale, self.training)

        @torch.jit.export
        def __setstate__(self, state: tuple[float, bool]):  # type: ignore[no-untyped-def]
            self.scale = state[0]
            self.training = state[1]

        def forward(self, x):  # type: ignore[no-untyped-def]
            return x * self.scale

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 8)
            self.sizes = [1, 2]
            self.register_buffer("table", torch.arange(8.0))

        def forward(self, x):  # type: ignore[no-untyped-def]
            y = self.fc(x)
            return y + self.table

    torch.jit.save(torch.jit.script(Net()), f"{folder}/net.pt")
    torch.jit.save(torch.jit.script(Part()), f"{folder}/part.pt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("attacks")
    script(f"from tests.readers.torchscript.test_strange_files import save; save({str(path)!r})")
    return path


def rewritten(whole: Path, target: Path, edit: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of an archive with ``edit`` applied to each entry; what it gives None for is left out."""
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(target, "w") as made:
        for name in archive.namelist():
            data = edit(name, archive.read(name))
            if data is not None:
                made.writestr(name, data)
    return target


def with_body(whole: Path, target: Path, body: str) -> Path:
    """The archive with these lines in front of what its ``forward`` or ``__setstate__`` does."""

    def edit(name: str, data: bytes) -> bytes:
        text = data.decode("latin-1")
        if not name.endswith(".py") or not re.search("class (Net|Part)", text):
            return data
        place = re.search(r"\n    fc = self\.fc\n|\n    self\.scale = ", text)
        assert place is not None
        lines = "".join(f"\n    {line}" for line in body.split("\n"))
        return (text[: place.start()] + lines + text[place.start() :]).encode("latin-1")

    return rewritten(whole, target, edit)


def refusal(path: Path, *shape: int) -> str:
    """What is said of an archive, which must be refused within seconds; runs where torch is loaded."""
    import torch

    from resnet_inspect.errors import BadRequestError, InputError, ModelError
    from resnet_inspect.readers.inputs import Shapes
    from resnet_inspect.readers.request import Request
    from resnet_inspect.readers.torchscript import reader as torchscript_file

    def never(*_: object, **__: object) -> None:
        raise SystemExit("torch's own loader was called")

    torch.jit.load = torch._C.import_ir_module = torch._C.PyTorchFileReader = never
    started = time.process_time()
    found = ""
    try:
        torchscript_file.summarize(Request(model=str(path), inputs=Shapes((shape or (2, 1, 1, 8),))))
    except (ModelError, InputError, BadRequestError) as error:
        found = f"{type(error).__name__}: {error}"
    # The dearest takes eight seconds of an idle processor, and more than twice as many of a busy one.
    assert time.process_time() - started < 60
    assert "\n" not in found
    return found


#: Lines of a forward, and what is said of them.
ATTACKS = {
    # Operators that believe indices, sizes or pointers.
    "_0 = torch.max_pool2d_with_indices_backward(x, x, [2], [2], [0], [1], False, x)": "max_pool2d_with_indices_backw",
    "_0 = torch.adaptive_max_pool2d_backward(x, x, x)": "aten::adaptive_max_pool2d_backward, which is not an operator",
    "_0 = torch.segment_reduce(x, 'sum', unsafe=True)": "aten::segment_reduce",
    "_0 = torch._ctc_loss(x, x, [1], [1])": "its code calls aten::_ctc_loss, which is not an operator that is read",
    "_0 = torch.native_batch_norm_backward(x, x, x, x, x, x, x, True, 0.1, [True])": "native_batch_norm_backward",
    "_0 = ops.aten.set_(x, x, 0, [9], [1])": "aten::set_",
    "_0 = torch.resize_(x, [99])": "aten::resize_",
    "_0 = torch._sparse_coo_tensor_unsafe(x, x, [2, 2])": "aten::_sparse_coo_tensor_unsafe",
    "_0 = torch.from_file('f')": "aten::from_file",
    "_0 = torch.save(x, 'canary')": "aten::save",
    "_0 = ops.image.read_file('f')": "image::read_file",
    "_0 = ops.aten.add.out(x, x)": "aten::add.out",
    "_0 = torch.add(x, x, out=x)": "takes no",
    "_0 = rpc_sync('w', x)": "rpc_sync",
    # Sizes that fill the memory or leave 64 bits.
    "_0 = torch.zeros([1000000000, 1000000000])": "elements",
    "_0 = torch.mul([1], 400000000)": "400000000 items",
    "_0 = [1]\nwhile True:\n  torch.extend(_0, _0)": "items",
    "_0 = 'a'\nwhile True:\n  _0 = torch.add(_0, _0)": "items",
    "_0 = 2\nwhile True:\n  _0 = torch.mul(_0, _0)": "more than 64 bits",
    "_0 = torch.expand(x, [4294967296, 2, 1, 1, 8])": "the number 4294967296",
    "_0 = torch.repeat(x, [100000, 100000, 100000, 1])": "elements",
    "_0 = torch.split(torch.zeros([2000000000]), 1)": "tensors with aten::split",
    "_0 = torch.unbind(torch.zeros([2000000000]))": "tensors with aten::unbind",
    "_0 = x\nwhile True:\n  _0 = torch.unsqueeze(_0, 0)": "dimensions",
    # Code without an end.
    "while True:\n  pass": "more than 2000000 steps",
    "for _0 in range(1000000000000):\n  pass": "more than 2000000 steps",
    "_0 = x\nwhile True:\n  _0 = torch.add(_0, 1)": "more than 2000000 steps",
    "_0 = (self).forward(x, )": "deeply",
    "_0 = [1]\nfor _1 in range(60):\n  _0 = [_0, _0]\n_2 = torch.format('{}', _0)": "",
    "_0 = [1]\nfor _1 in range(60):\n  _0 = [_0, _0]\nreturn _0": "returns too many values",
    "_0 = [1]\n_3 = [1]\nfor _1 in range(60):\n  _0 = [_0, _0]\n  _3 = [_3, _3]\n_2 = torch.eq(_0, _3)": "too deep",
    # Names that Python would look up.
    "_0 = x.__class__": "reads __class__ of a Tensor",
    "_0 = x.data": "reads data of a Tensor",
    "_0 = x.set_(x)": "calls set_ of a Tensor",
    "_0 = self.__init__": "reads __init__ of a",
    "_0 = self.forward.__globals__": "reads forward of a",
    "_0 = self._parameters": "reads _parameters of a",
    "_0 = self.values": "reads values of a",
    "_0 = getattr(self, '__class__')": "reads __class__ of a",
    "_0 = getattr(x, 'set_')(x)": "reads set_ of a Tensor",
    "_0 = getattr(torch, 'save')(x)": "unknown name torch",
    "_0 = torch.load": "its code has torch.load",
    "_0 = torch": "unknown name torch",
    "_0 = ops": "unknown name ops",
    "_0 = __import__('os')": "calls __import__",
    "_0 = eval('1')": "calls eval",
    "_0 = open('f')": "calls open",
    "_0 = 'x'.format(x)": "calls format of a str",
    "_0 = torch.format('{0.__class__}', x)": "",
    "_0 = [1].__class__": "reads __class__ of a list",
    "_0 = __torch__.os.system('true')": "there is no code/__torch__/os.py",
    "_0 = __torch__.torch.classes.mine.Thing.__new__(__torch__.torch.classes.mine.Thing)": "there is no",
    "_0 = CONSTANTS.__class__": "unknown constant",
    "_0 = CONSTANTS.c99": "unknown constant",
    "torch = x": "a variable torch",
    "self.fc = x": "in the place of the module fc",
    "x.data = x": "sets data of a Tensor",
    # What the serialiser doesn't write.
    "import os": "a statement of the kind Import",
    "lambda: x": "an expression of the kind Lambda",
    "_0 = [a for a in [1]]": "an expression of the kind ListComp",
    "_0 = 9 ** 999999": "an expression of the kind BinOp",
    "_0 = f'{x}'": "an expression of the kind JoinedStr",
    "try:\n  pass\nexcept:\n  pass": "a statement of the kind Try",
    "_0 = " + "-" * 50_000 + "1": "can't be read",
    "_0 = 0x" + "f" * 40: "more than 64 bits",
    # Values of a wrong kind.
    "_0 = torch.add(x, [1, 2])": "takes no",
    "_0 = torch.zeros([2], dtype=1000)": "an element type of number 1000",
    "_0 = torch.clone(x, memory_format=77)": "a memory format of number 77",
    "_0 = torch.upsample_nearest2d(x, None, [1e300, 1e300])": "the scale 1e+300",
    "_0 = torch.floor_divide(torch.tensor([-9223372036854775807]), torch.tensor([-1]))": "",
    "_0 = torch.floor_divide(torch.sub(torch.tensor([-9223372036854775807]), 1), torch.tensor([-1]))": "the least num",
    "_0 = ops.torchvision.roi_align(x, x, 1.0, 7, 7, 2, False)": "",
    "_0 = ops.quantized.conv2d_prepack(x, None, [1, 1], [0, 0], [1, 1], 1)": "a weight of another kind",
    "_0 = ops.quantized.embedding_bag_prepack(x)": "quantized::embedding_bag_prepack",
    "_0 = torch.lstm(x, x, [x, x], [x, x], True, 1, 0.0, False, True)": "",
}


def test_code_that_does_more_than_networks_do_is_refused(folder: Path, tmp_path: Path) -> None:
    for index, body in enumerate(ATTACKS):
        with_body(folder / "net.pt", tmp_path / f"{index}.pt", body)
    _check_attacks(attacks=str(tmp_path))


@in_child("torch")
def _check_attacks(attacks: str) -> None:
    for index, (body, said) in enumerate(ATTACKS.items()):
        found = refusal(Path(attacks, f"{index}.pt"))
        assert said in found, (body, found)
        assert bool(found) or not said, body


#: Lines that need values, so that they meet real tensors, after one that asks for a value.
REAL_ATTACKS = {
    "_0 = ops.torchvision.roi_align(x, torch.mul(torch.ones([1, 5]), 1000000000.0), 1.0, 7, 7, 2, False)": "outside o",
    "_0 = ops.torchvision.roi_align(x, torch.div(torch.zeros([1, 5]), 0.0), 1.0, 7, 7, 2, False)": "outside of the im",
    "_0 = ops.torchvision.roi_align(x, torch.add(torch.zeros([1, 5]), 3.0), 1.0, 7, 7, 2, False)": "that isn't there",
    "_0 = torch.grid_sampler(x, x, 0, 0, False)": "without values alone",
    "_0 = torch.as_strided(x, [4], [1], 90)": "without values alone",
    "_0 = torch.max_unpool2d(x, torch.zeros([2, 1, 1, 8], dtype=4), [9, 9])": "without values alone",
    "_0 = torch.zeros([100000000])": "makes a tensor of 400000000 bytes",
    "_0 = torch.expand(torch.zeros([1]), [2000000000])": "makes a tensor of 8000000000 bytes",
    "_0 = [torch.zeros([1])]\nfor _1 in range(99):\n  _2 = torch.append(_0, torch.zeros([60000000]))": "keeps more te",
    "_0 = torch.index_select(x, 0, torch.tensor([99]))": "index out of range",
    "_0 = torch.gather(x, 0, torch.full([1, 1, 1, 1], 99, dtype=4))": "out of bounds",
    "_0 = torch.embedding(self.table, torch.tensor([99]))": "InputError",
}


def test_what_meets_real_tensors_is_bounded_and_checked(folder: Path, tmp_path: Path) -> None:
    for index, body in enumerate(REAL_ATTACKS):
        with_body(folder / "net.pt", tmp_path / f"{index}.pt", f"_9 = bool(torch.sum(x))\n{body}")
    _check_real(attacks=str(tmp_path))


@in_child("torch")
def _check_real(attacks: str) -> None:
    for index, (body, said) in enumerate(REAL_ATTACKS.items()):
        found = refusal(Path(attacks, f"{index}.pt"))
        assert found, body
        assert said in found, (body, found)


def test_what_sets_the_state_has_no_more_rights(folder: Path, tmp_path: Path) -> None:
    for name, body in (("loop", "while True:\n  pass"), ("save", "_0 = torch.save(state, 'canary')")):
        with_body(folder / "part.pt", tmp_path / f"{name}.pt", body)
    _check_setstate(attacks=str(tmp_path))


@in_child("torch")
def _check_setstate(attacks: str) -> None:
    assert "more than 2000000 steps" in refusal(Path(attacks, "loop.pt"))
    assert "aten::save" in refusal(Path(attacks, "save.pt"))


def test_archives_of_another_build_are_refused(folder: Path, tmp_path: Path) -> None:
    whole = folder / "net.pt"
    top = "net/"

    def edited(name: str, **entries: bytes) -> None:
        """Writes an archive with other entries; their names have __ for a slash and _o_ for a dot."""
        by_name = {key.replace("__", "/").replace("_o_", "."): data for key, data in entries.items()}
        made = rewritten(whole, tmp_path / f"{name}.pt", lambda path, data: by_name.pop(path.removeprefix(top), data))
        with zipfile.ZipFile(made, "a") as archive:
            for path, data in by_name.items():
                archive.writestr(top + path, data)

    with zipfile.ZipFile(whole) as archive:
        pickled = archive.read(f"{top}data.pkl")
    edited("legacy", model_o_json=b"{}")
    edited("attributes", attributes_o_pkl=b"")
    edited("reduce", data_o_pkl=b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    edited("classes", data_o_pkl=b"\x80\x02c__torch__.torch.classes.mine\nThing\n)\x81}b.")
    edited("foreign", data_o_pkl=b"\x80\x02cos\nThing\n)\x81}b.")
    edited("list", data_o_pkl=b"\x80\x02].")
    edited("opcode", data_o_pkl=b"\x80\x02\x8c\x01aI1\n.")
    edited("cut", data_o_pkl=pickled[: len(pickled) // 2])
    edited("cycle", data_o_pkl=with_attribute(pickled, b"]q\xf0h\xf0a"))
    edited("constants", constants_o_pkl=b"\x80\x02K\x01.")
    edited("beyond", data_o_pkl=pickled.replace(b"(K\x08K\x08t", b"(M\xff\xffK\x08t", 1))
    edited("storage", data__0=b"")
    edited("laughs", data_o_pkl=with_attribute(pickled, laughing()))
    rewritten(whole, tmp_path / "codeless.pt", lambda name, data: None if "/code/" in name else data)
    rewritten(whole, tmp_path / "formless.pt", lambda name, data: data.replace(b"def forward", b"def backward"))
    rewritten(
        whole,
        tmp_path / "hooked.pt",
        lambda name, data: data.replace(b"  __buffers__", b'  __forward_hooks__ = ["h", ]\n  __buffers__'),
    )
    shutil.copy(whole, tmp_path / "twice.pt")
    with zipfile.ZipFile(tmp_path / "twice.pt", "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(f"{top}data.pkl", pickled)
    (tmp_path / "cut_zip.pt").write_bytes(whole.read_bytes()[:-100])
    _check_builds(attacks=str(tmp_path))


def with_attribute(pickled: bytes, value: bytes) -> bytes:
    """A pickle whose module has one more attribute, with the value that these opcodes make."""
    place = pickled.index(b"X\x05\x00\x00\x00sizes")
    return pickled[:place] + b"X\x05\x00\x00\x00extra" + value + pickled[place:]


def laughing() -> bytes:
    """Opcodes of a list that holds a list twice, which holds a list twice, and so on."""
    made = b"]q\x80"
    for level in range(60):
        made = b"](" + made + b"h" + bytes([0x80 + level]) + b"eq" + bytes([0x81 + level])
    return made


@in_child("torch")
def _check_builds(attacks: str) -> None:
    for name, said in {
        "legacy": "torch 1.3 and before",
        "attributes": "torch 1.3 and before",
        "reduce": "calls os.system, which isn't read",
        "classes": "which is foreign code",
        "foreign": "makes an object of os.Thing",
        "list": "there is no module in it",
        "opcode": "has the opcode SHORT_BINUNICODE",
        "cut": "a pickle in it is damaged",
        "cycle": "holds itself",
        "beyond": "reaches beyond its storage",
        "storage": "bytes, but",
        "laughs": "holds too many values",
        "codeless": "there is no code in it",
        "formless": "has no forward",
        "hooked": "has hooks",
        "twice": "two entries of the same name",
        "cut_zip": "is damaged",
    }.items():
        found = refusal(Path(attacks, f"{name}.pt"))
        assert found.startswith("ModelError"), (name, found)
        assert said in found, (name, found)
    assert refusal(Path(attacks, "constants.pt")) == ""  # it uses none


def test_mutations_end_in_an_error_or_a_summary(folder: Path) -> None:
    _check_mutations(folder=str(folder))


@in_child("torch")
def _check_mutations(folder: str) -> None:
    import tempfile

    from resnet_inspect.readers.torchscript.allowed import ALLOWED

    chance = random.Random(16)
    whole = Path(folder, "net.pt")
    with zipfile.ZipFile(whole) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")]
    operators = sorted(name.removeprefix("aten::") for name in ALLOWED)
    words = [
        *sorted(set(re.findall(r"[\w.]+|[^\w\s]", " ".join(texts)))),
        *("9223372036854775807", "-1", "None", "[]", "{}", "''", "nan", "__class__", "torch.zeros", "torch.item"),
        *("ops.quantized.linear", "torch.reshape", "torch.index", "torch.slice", "[[], [1]]", "True", "CONSTANTS.c0"),
    ]

    def edit(name: str, data: bytes) -> bytes:
        if name.endswith(".py"):
            parts = re.split(r"([\w.]+|[^\w\s])", data.decode())
            for _ in range(chance.choice((0, 0, 1, 2))):
                calls = [at for at, part in enumerate(parts) if part.startswith("torch.")]
                place = chance.choice((chance.choice(calls), chance.randrange(len(parts) // 2) * 2 + 1))
                parts[place] = f"torch.{chance.choice(operators)}" if place in calls else chance.choice(words)
            return "".join(parts).encode()
        if name.endswith(".pkl") and data and chance.random() < 0.2:
            at = chance.randrange(len(data))
            return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        return data

    ends = {"": 0, "ModelError": 0, "InputError": 0, "BadRequestError": 0}
    with tempfile.TemporaryDirectory() as place:
        for _ in range(300):
            found = refusal(rewritten(whole, Path(place, "m.pt"), edit))
            ends[found.partition(":")[0]] += 1
    # They met more than the first door.
    assert min(ends["ModelError"], ends["InputError"], ends[""]) > 5, ends
