"""A comparison sees each setting of each of ONNX's operators, changed in the node tests that onnx itself has."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resnet_inspect.diffs import compare
from resnet_inspect.errors import InspectError
from resnet_inspect.ir import Summary
from resnet_inspect.readers.request import Request
from tests.support.command import needs

pytestmark = needs("onnx", "1.23")  # whose operators these are

#: Settings are changed in so many of the node tests that have them.
EACH = 4 if os.environ.get("ZOO") == "all" else 1
#: Words that settings have; those that an operator doesn't know are refused or change nothing.
_WORDS = "SAME_UPPER linear cubic reflect edge mul bilinear tanh CRD reverse max sum none asymmetric floor LOWER Relu"
#: Operator and setting -> why it changes nothing where onnx's tests have it.
_IDLE = {
    **{(f"Reduce{kind}", "noop_with_empty_axes"): "there are axes" for kind in ("Max", "Mean", "Min", "Sum")},
    **{
        ("Scan", f"scan_{what}"): "as it is without" for what in ("input_axes", "input_directions", "output_directions")
    },
    ("BatchNormalization", "training_mode"): "2 is as true as 1",
    ("ConvInteger", "kernel_shape"): "the weight says it",
    ("QLinearConv", "auto_pad"): "no such word",
    ("Reshape", "allowzero"): "no size is 0",
}


def _others(kind: str, value: Any) -> list[Any]:
    """Other values of a setting of a ``kind`` that has this one, or none."""
    if kind == "INT":
        return [(value or 0) + 1, 1 - (value or 0)]
    if kind == "FLOAT":
        return [(value or 0) / 2 + 0.2]
    if kind == "STRING":
        return [word.encode() for word in _WORDS.split() if word.encode() != value]
    if kind == "INTS":
        return [[item + 1 for item in value]] if value else [[2, 2], [1], [0]]
    if kind == "FLOATS":
        return [[item + 0.5 for item in value]] if value else [[0.5], [0.5, 0.5]]
    if kind == "STRINGS":
        return [[b"Relu"] * count for count in ([len(value)] if value else [1, 2, 3])]
    return []


def _cases() -> Iterator[tuple[Any, str, list[Any]]]:
    """A model of one node, one of its settings, and other values of that."""
    import onnx
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the results that it computes
        cases = collect_testcases(None)
    for case in cases:
        if case.model is None or len(case.model.graph.node) != 1:
            continue
        (node,) = case.model.graph.node
        versions = {item.domain: item.version for item in case.model.opset_import}
        if not onnx.defs.has(node.op_type, domain=node.domain):
            continue
        schema = onnx.defs.get_schema(node.op_type, versions[node.domain], node.domain)
        for value in case.model.graph.output:  # sizes may be others
            if value.type.HasField("tensor_type"):
                value.type.tensor_type.ClearField("shape")
        given = {item.name: item for item in node.attribute}
        for name, setting in schema.attributes.items():
            has = given.get(name, setting.default_value)
            value = onnx.helper.get_attribute_value(has) if has.type else None
            yield case.model, name, _others(setting.type.name, value)


def _summary(model: Any, path: Path) -> Summary:
    """In this process, where thousands are read."""
    from resnet_inspect.readers.onnx.reader import summarize

    path.write_bytes(model.SerializeToString())
    return summarize(Request(str(path))).summary


def _with(model: Any, name: str, value: Any) -> Any:
    """The model with another value of a setting."""
    import onnx

    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    (node,) = changed.graph.node
    kept = [item for item in node.attribute if item.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])
    return changed


def test_every_setting_of_every_operator_is_seen(tmp_path: Path) -> None:
    import onnx

    tried: Counter[tuple[str, str]] = Counter()
    seen = set()
    for model, name, others in _cases():
        key = model.graph.node[0].op_type, name
        if tried[key] == EACH:
            continue
        try:
            old = _summary(model, tmp_path / "model.onnx")
        except InspectError:
            continue
        for other in others:
            changed = _with(model, name, other)
            try:
                onnx.shape_inference.infer_shapes(changed, strict_mode=True)
                new = _summary(changed, tmp_path / "model.onnx")
            except (InspectError, onnx.shape_inference.InferenceError):
                continue  # no value that it may have
            tried[key] += 1
            if compare(old, new, any_input=True).kinds:
                seen.add(key)
                break
    assert tried.keys() - seen <= _IDLE.keys()
    assert len(seen) > 290
