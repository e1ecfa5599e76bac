"""SavedModel folders of strangers: their graphs have an end, and each is read or refused with one error."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.errors import InspectError, ModelError
from resnet_inspect.readers.request import Request
from tests.support.command import in_child


def summary_of(folder: str) -> Any:
    """The summary of a folder."""
    from resnet_inspect.readers import file as from_file

    return from_file.summarize(Request(folder)).summary


def exported() -> Any:
    """A small network, exported into the current folder: its protobuf."""
    import keras
    from tensorflow.core.protobuf import saved_model_pb2

    inputs = keras.Input((8, 8, 3), name="image")
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(inputs)))
    keras.Model(inputs, outputs).export("exported", verbose=False)
    return saved_model_pb2.SavedModel.FromString(Path("exported/saved_model.pb").read_bytes())


def written(document: Any) -> str:
    """The folder with another graph in it."""
    Path("exported/saved_model.pb").write_bytes(document.SerializeToString())
    return "exported"


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_a_graph_that_unfolds_without_an_end_is_refused_in_time() -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        whole = exported().SerializeToString()

        def changed(change: Any) -> str:
            document = saved_model_pb2.SavedModel.FromString(whole)
            change(document.meta_graphs[0])
            return written(document)

        def serving(graph: Any) -> Any:
            """The function around the network, and the node in it that calls the network."""
            # The file has one such function for each signature, in any order.
            called = graph.signature_def["serving_default"].outputs["output_0"].name.partition(":")[0]
            name = next(node.attr["f"].func.name for node in graph.graph_def.node if node.name == called)
            function = next(item for item in graph.graph_def.library.function if item.signature.name == name)
            return function, next(node for node in function.node_def if node.op == "StatefulPartitionedCall")

        def doubling(graph: Any) -> None:
            """Functions that call another one twice, which calls another one twice."""
            functions = graph.graph_def.library.function
            last = serving(graph)[1].attr["f"].func.name
            template = next(item for item in functions if item.signature.name == last)
            for level in range(40):
                made = functions.add()
                made.CopyFrom(template)
                made.signature.name = f"level{level}"
                del made.node_def[:]
                for name in ("once", "twice"):
                    node = made.node_def.add(name=name, op="StatefulPartitionedCall")
                    node.input.extend(item.name for item in template.signature.input_arg)
                    node.attr["f"].func.name = last
                for key in made.ret:
                    made.ret[key] = "twice:output:0"
                made.node_def[1].input[0] = "once"
                last = made.signature.name
            serving(graph)[1].attr["f"].func.name = last

        def many_outputs(graph: Any) -> None:
            graph.meta_info_def.stripped_op_list.op.add(name="Odd").output_arg.add(name="o", number_attr="N", type=1)
            for function in graph.graph_def.library.function:
                for node in function.node_def:
                    if node.op == "Conv2D":
                        node.op = "Odd"
                        node.attr["N"].i = 10**12

        def constants(graph: Any) -> None:
            """Each packs the one before it twice."""
            for function in graph.graph_def.library.function:
                for index in range(60):
                    before = f"pack{index - 1}" if index else next(n.name for n in function.node_def)
                    function.node_def.add(name=f"pack{index}", op="Pack", input=[before, before])
                for node in function.node_def:
                    if node.op == "Conv2D":
                        node.input.append("pack59")

        def long_name(graph: Any) -> None:
            for function in graph.graph_def.library.function:
                for node in function.node_def:
                    if node.op == "Conv2D":
                        node.name = node.name + "/a" * 500_000

        def many_dimensions(graph: Any) -> None:
            for signature in graph.signature_def.values():
                for item in signature.inputs.values():
                    for _ in range(100_000):
                        item.tensor_shape.dim.add(size=1)

        assert summary_of(changed(lambda graph: None)).totals.macs == 36 * 27 * 4 + 144 * 2
        for change, words in (
            (doubling, "more than 2000000 operations"),
            (many_outputs, "more than 2000000 operations"),
            (constants, None),
            (long_name, None),
            (many_dimensions, "100004 dimensions"),
        ):
            start = time.process_time()
            path = changed(change)
            if words:
                with pytest.raises(ModelError, match=words):
                    summary_of(path)
            else:
                try_summary(path)
            assert time.process_time() - start < 10


def try_summary(path: str) -> bool:
    """Whether a folder is refused; anything but a summary or our own error fails."""
    try:
        summary_of(path)
    except InspectError:
        return True
    return False


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_of_changed_graphs_each_is_read_or_refused_without_a_network() -> None:
    assert try_mutations(60, seed=1) > 0


def try_mutations(count: int, seed: int) -> int:
    """How many of ``count`` graphs were refused, each a whole protobuf with some fields changed."""
    source, refused, seen = random.Random(seed), 0, []
    sys.addaudithook(lambda event, arguments: seen.append(arguments) if event == "socket.connect" else None)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        whole = exported()
        for _ in range(count):
            document = type(whole).FromString(whole.SerializeToString())
            for _ in range(source.randint(1, 40)):
                change(document.meta_graphs[0], source)
            refused += try_summary(written(document))
        for content in (b"", b"\x08", b"\x08\x01" + b"\x12\x04" * 1000, b"\x08\x01\x12\x00"):
            Path("exported/saved_model.pb").write_bytes(content)
            try_summary("exported")
        Path("exported/saved_model.pb").unlink()
        os.mkfifo("exported/saved_model.pb")
        with pytest.raises(ModelError, match="not a file"):
            summary_of("exported")
    assert seen == []
    return refused


def change(message: Any, source: random.Random) -> None:
    """Changes one field somewhere in a message."""
    while True:
        fields = [(field, value) for field, value in message.ListFields() if field.name != "tensor_content"]
        if not fields:
            return
        field, value = source.choice(fields)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            kept = value[source.choice(sorted(value))]
            if not hasattr(kept, "ListFields"):
                key = source.choice(sorted(value))
                value[key] = value[source.choice(sorted(value))]
                return
            message = kept
        elif isinstance(value, (str, bytes)):
            setattr(message, field.name, source.choice([type(value)(), value * 2, value[:-1]]))
            return
        elif isinstance(value, (int, float)):
            numbers = (-(2**31), 2**31 - 1) if field.cpp_type != field.CPPTYPE_INT64 else (-(2**63), 2**63 - 1)
            if field.cpp_type == field.CPPTYPE_BOOL:
                setattr(message, field.name, not value)
            elif field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64):
                setattr(message, field.name, source.choice([-1, 0, 1, 3, *numbers]))
            else:
                message.ClearField(field.name)
            return
        elif hasattr(value, "ListFields"):
            message = value
        elif source.random() < 0.2 or not hasattr(value[0], "ListFields"):
            del value[source.randrange(len(value))]
            return
        else:
            message = source.choice(value)
