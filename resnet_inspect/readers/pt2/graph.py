"""The nodes of an exported program in a row: operators, the values between them, and the modules that they ran in."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ...ir import UNKNOWN, Tensor
from ..aten.operators import Operator

#: ``ScalarType`` of the schema.
_DTYPES = dict(
    [
        *enumerate(("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex32"), 1),
        *enumerate(("complex64", "complex128", "bool", "bfloat16"), 10),
        *enumerate(("uint16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"), 28),
        *enumerate(("float8_e8m0fnu", "uint32", "uint64"), 33),
    ]
)

#: Nodes and tensors of a program, graphs inside of it included: one of ten thousand operators has some more of each.
_MOST_NODES = 100_000
_MOST_TENSORS = 2**18
#: Characters of a name, and of a module's path.
_LONGEST_NAME = 1000
_MOST_DIMENSIONS = 128
_MOST_ELEMENTS = 2**63

#: Operators that run the graph they are given as it is, with their last operands.
_WRAPPERS = ("wrap_with_set_grad_enabled", "wrap_with_autocast", "invoke_subgraph", "strict_mode")


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor where it stands among arguments: its name, which is unique in the program."""

    name: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A running module: what tells this call from others, its path, its class."""

    key: str
    path: str
    type: str


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: its arguments by name with ``Ref``s for tensors, the names of what it gives, where it ran."""

    namespace: str
    name: str
    arguments: Mapping[str, Any]
    outputs: tuple[str, ...]
    stack: tuple[Frame, ...]

    @property
    def refs(self) -> tuple[str, ...]:
        """The names of the tensors that it reads, in order."""
        return tuple(_refs(tuple(self.arguments.values())))

    def refs_but(self, names: Container[str]) -> tuple[str, ...]:
        """Those among them that aren't in arguments of these names."""
        return tuple(_refs(tuple(value for name, value in self.arguments.items() if name not in names)))


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, Ref):
        yield value.name
    elif isinstance(value, tuple):
        for item in value:
            yield from _refs(item)


@dataclass
class Graph:
    """All nodes of a program, those of wrapped graphs among them, and its tensors by name."""

    nodes: list[Node] = field(default_factory=list)
    _metas: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def tensor(self, name: str) -> Tensor:
        """A tensor's shape and element type, ``UNKNOWN`` if a size depends on values.

        Where sizes vary, they are those of the example that was exported.
        """
        meta = self._metas[name]
        sizes = tuple(_number(size) for size in meta["sizes"])
        if None in sizes:
            return UNKNOWN
        if len(sizes) > _MOST_DIMENSIONS or not all(type(s) is int and 0 <= s < _MOST_ELEMENTS for s in sizes):
            raise ValueError(f"the sizes of {name[:100]!r} are not a short row of natural numbers")
        return Tensor(sizes, _DTYPES.get(meta["dtype"], "unknown"))

    def varies(self, name: str) -> bool:
        """Whether a tensor was exported with sizes that may differ from the example's."""
        return any("as_expr" in size for size in self._metas[name]["sizes"])

    def requires_grad(self, name: str) -> bool:
        """Whether a tensor is trained."""
        return bool(self._metas[name]["requires_grad"])

    def operator(self, node: Node) -> Operator:
        """A node with its tensors' shapes in the place of their names."""
        return Operator(
            node.namespace,
            node.name,
            {name: self._filled(value) for name, value in node.arguments.items()},
            tuple(self.tensor(name) for name in node.outputs),
        )

    def _filled(self, value: Any) -> Any:
        if isinstance(value, Ref):
            return self.tensor(value.name)
        return tuple(map(self._filled, value)) if isinstance(value, tuple) else value

    def walk(self, graph: Mapping[str, Any], names: dict[str, str] | None = None, prefix: str = "") -> None:
        """Adds the nodes of ``graph``, whose names are new ones behind ``prefix`` unless ``names`` has them."""
        names = {} if names is None else names
        symbols = {key: item for kind in ("int", "float", "bool") for key, item in _symbols(graph, kind)}
        for name, meta in graph["tensor_values"].items():
            self._metas.setdefault(names.setdefault(name, short(prefix + name)), meta)
        if len(self._metas) > _MOST_TENSORS or len(self.nodes) + len(graph["nodes"]) > _MOST_NODES:
            raise ValueError(f"it has more than {_MOST_NODES} operators or {_MOST_TENSORS} tensors")
        for node in graph["nodes"]:
            arguments = {}
            inner: Mapping[str, Any] | None = None
            for index, item in enumerate(node["inputs"]):
                ((kind, value),) = item["arg"].items()
                if kind == "as_graph":
                    inner = value["graph"] if inner is None else {}
                    continue
                # Operators of higher order have no names for their arguments.
                arguments[item["name"] or str(index)] = _argument(kind, value, symbols, names)
            outputs = [name for item in node["outputs"] for name in _tensor_names(item)]
            namespace, name = _target(node["target"])
            if inner and namespace == "higher_order" and name in _WRAPPERS:
                given = list(_refs(tuple(arguments.values())))
                inside = [name for item in inner["inputs"] for name in _tensor_names(item)]
                bound = dict(zip(reversed(inside), reversed(given), strict=False))
                self.walk(inner, bound, f"{prefix}{outputs[0] if outputs else name}/")
                results = [name for item in inner["outputs"] for name in _tensor_names(item)]
                names.update({outer: bound[result] for outer, result in zip(outputs, results, strict=True)})
                continue
            made = tuple(names[name] for name in outputs)
            self.nodes.append(Node(namespace, name, arguments, made, _stack(node["metadata"])))


def short(name: str) -> str:
    """The name itself, unless it is longer than any: what follows takes its parts one by one."""
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"it has a name of {len(name)} characters")
    return name


def tensor_name(argument: Mapping[str, Any]) -> str | None:
    """The tensor of an input or output of the program, None if it is a plain value."""
    return next(_tensor_names(argument), None)


def _tensor_names(argument: Mapping[str, Any]) -> Iterator[str]:
    ((kind, value),) = argument.items()
    if kind in ("as_tensor", "as_optional_tensor"):
        yield from [value["name"]] if "name" in value else _tensor_names(value)
    elif kind == "as_tensors":
        yield from (item["name"] for item in value)
    elif kind == "as_optional_tensors":
        yield from (name for item in value for name in _tensor_names(item))
    elif kind == "as_nested_tensors":
        yield from (item["name"] for row in value for item in row)


def _argument(kind: str, value: Any, symbols: Mapping[str, Any], names: Mapping[str, str]) -> Any:
    """A node's argument: ``Ref``s, plain values, and tuples of both."""
    found = tuple(Ref(names[name]) for name in _tensor_names({kind: value}))
    if kind in ("as_tensor", "as_optional_tensor"):
        return found[0] if found else None
    if found or "tensor" in kind:
        return found
    if kind.startswith("as_sym_"):
        items = [_symbol(item, symbols) for item in (value if isinstance(value, list) else [value])]
        return tuple(items) if isinstance(value, list) else items[0]
    if kind == "as_scalar_type":
        return f"torch.{_DTYPES.get(value, 'unknown')}"
    if kind in ("as_none", "as_device", "as_layout", "as_memory_format"):
        return None
    if kind == "as_float" and isinstance(value, str):
        return {"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}.get(value, value)
    return _tuples(value)


def _symbols(graph: Mapping[str, Any], store: str) -> Any:
    return graph.get(f"sym_{store}_values", {}).items()


def _symbol(item: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    ((kind, value),) = item.items()
    return _number(values[value]) if kind == "as_name" and value in values else None if kind == "as_name" else value


def _number(size: Mapping[str, Any]) -> Any:
    """A size that may be symbolic: the example's, None if it depends on values."""
    ((kind, value),) = size.items()
    if kind != "as_expr":
        return value
    hint = value.get("hint")
    return next(iter(hint.values())) if hint else None


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    return str(value) if isinstance(value, dict) else value


def _target(text: str) -> tuple[str, str]:
    """``torch.ops.aten.conv2d.default`` as ``aten`` and ``conv2d``; ``_operator.ge`` as it stands."""
    parts = text.removeprefix("torch.ops.").split(".")
    return parts[0], parts[1] if len(parts) > 1 else parts[0]


def _stack(metadata: Mapping[str, str]) -> tuple[Frame, ...]:
    """The modules around a node: ``key,path,class`` of each, the outermost first."""
    frames = []
    for item in filter(None, metadata.get("nn_module_stack", "").split(";")):
        key, _, rest = item.partition(",")
        path, _, kind = rest.rpartition(",")
        if not key.startswith("_empty"):
            frames.append(Frame(key, short(_path(path)), kind.rpartition(".")[2]))
    return tuple(frames)


@lru_cache(maxsize=4096)
def _path(text: str) -> str:
    """``L['self'].a[0].b``, ``getattr(L['self'].a, '0').b`` and ``a.0.b@1`` are all the path ``a.0.b``."""
    # However deep they are nested, one ``getattr`` after the other begins, and the names follow in their order.
    text = re.sub(r", '([^']*)'\)", r".\1", text.replace("getattr(", ""))
    text = re.sub(r"^(L\['self'\]|L__self__)(?=$|[.\[])", "", text)
    return re.sub(r"@\d+", "", re.sub(r"\['?([^\[\]']*)'?\]", r".\1", text)).strip(".")
