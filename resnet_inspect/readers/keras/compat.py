"""Whatever of Keras we use that isn't public, in one place, and what differs between its versions.

Keras moves such names between releases. An ImportError here means that this version isn't supported, and
``tests/readers/keras/test_compat.py`` looks for each name in ``SEEN`` and ``ATTRIBUTES`` and fails with those that have
moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras.src.backend import compute_output_spec
from keras.src.backend.common import global_state
from keras.src.backend.common.variables import Variable
from keras.src.layers.layer import Layer, Node, get_shapes_dict
from keras.src.layers.rnn.conv_lstm import ConvLSTM
from keras.src.legacy.saving import saving_options, saving_utils
from keras.src.ops.function import Function
from keras.src.ops.operation import Operation
from keras.src.saving import object_registration, saving_lib, serialization_lib
from keras.src.utils.python_utils import is_default

#: Where Keras' own code is: its classes say so of themselves.
SOURCE = "keras.src."
#: Where a layer finds the class of the nodes that record its calls.
NODE = "keras.src.layers.layer.Node"
#: The attributes of Keras' state that hold the numbers of automatic names, and the generator that draws random seeds.
NAMES, GENERATOR = "object_name_uids", "global_seed_generator"

#: The newest version that was looked at.
LAST = "3.15"
_ALL = ("3.10", LAST)
#: The first and the last version in which each name was seen, by where it is.
SEEN: Mapping[str, tuple[str, str]] = {
    "keras.src.backend:compute_output_spec": _ALL,
    "keras.src.backend.common.global_state:GLOBAL_SETTINGS_TRACKER": _ALL,
    "keras.src.backend.common.global_state:GLOBAL_STATE_TRACKER": _ALL,
    "keras.src.backend.common.global_state:get_global_attribute": _ALL,
    "keras.src.backend.common.global_state:set_global_attribute": _ALL,
    "keras.src.backend.common.variables:Variable.__init__": _ALL,
    "keras.src.backend.common.variables:Variable.value": _ALL,
    "keras.src.layers.layer:Layer._flatten_layers": _ALL,
    "keras.src.layers.layer:Layer._maybe_build": _ALL,
    "keras.src.layers.layer:Layer._set_mask_metadata": _ALL,
    "keras.src.layers.layer:Layer.symbolic_call": _ALL,
    "keras.src.layers.layer:Node": _ALL,
    "keras.src.layers.layer:get_shapes_dict": _ALL,
    "keras.src.layers.rnn.conv_lstm:ConvLSTM": _ALL,
    "keras.src.legacy.saving.saving_options:keras_option_scope": _ALL,
    "keras.src.legacy.saving.saving_utils:model_from_config": _ALL,
    "keras.src.models.sequential:Sequential._maybe_rebuild": _ALL,
    "keras.src.ops.function:Function._run_through_graph": _ALL,
    "keras.src.ops.operation:Operation.__call__": _ALL,
    "keras.src.ops.operation:Operation.__new__": _ALL,
    "keras.src.ops.operation:Operation.symbolic_call": _ALL,
    "keras.src.saving.object_registration:GLOBAL_CUSTOM_OBJECTS": _ALL,
    "keras.src.saving.object_registration:get_registered_object": _ALL,
    "keras.src.saving.saving_lib:NpzIOStore.make": _ALL,
    "keras.src.saving.saving_lib:_save_state": _ALL,
    "keras.src.saving.serialization_lib:ObjectSharingScope": _ALL,
    "keras.src.saving.serialization_lib:SafeModeScope": _ALL,
    "keras.src.saving.serialization_lib:_retrieve_class_or_fn": _ALL,
    "keras.src.saving.serialization_lib:deserialize_keras_object": _ALL,
    "keras.src.utils.python_utils:is_default": _ALL,
}
#: What objects have only when they are made, by the kind of object.
ATTRIBUTES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "layer": dict.fromkeys(
        ("_inbound_nodes", "_non_trainable_variables", "_outbound_nodes", "_trainable_variables"), _ALL
    ),
    "node": dict.fromkeys(("arguments.keras_tensors", "outputs"), _ALL),
    "functional model": dict.fromkeys(("_inputs_struct", "_operations"), _ALL),
    "sequential model": dict.fromkeys(("_functional",), _ALL),
    "variable": dict.fromkeys(("_dtype",), _ALL),
    "einsum dense": dict.fromkeys(("_kernel",), _ALL),
    "multi-head attention": dict.fromkeys(("_attention_axes",), _ALL),
    # Of a version in which a layer can have weights of 4 bits at all; see ``unpacked``.
    "dense of 4 bits": {"_orig_input_dim": ("3.11", "3.13"), "_orig_output_dim": ("3.14", LAST)},
    "einsum dense of 4 bits": {
        "_int4_pack_axis": ("3.11", "3.13"),
        "_orig_length_along_pack_axis": ("3.11", "3.13"),
        "_int4_unpacked_column_size": ("3.14", LAST),
        "original_kernel_shape": ("3.14", LAST),
    },
}


def unpacked(layer: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of a kernel that is stored in ``shape`` with two numbers in a byte; None where it isn't."""
    if getattr(layer, "quantization_mode", None) != "int4":
        return None
    columns = getattr(layer, "_int4_unpacked_column_size", None) or getattr(layer, "_orig_output_dim", None)
    if columns is not None:
        return (*shape[:-1], int(columns))
    # Before 3.14, a Dense was packed along its inputs, an EinsumDense along an axis of its choice.
    axis = getattr(layer, "_int4_pack_axis", 0)
    length = getattr(layer, "_orig_length_along_pack_axis", None) or getattr(layer, "_orig_input_dim", None)
    return None if length is None else (*shape[:axis], int(length), *shape[axis + 1 :])


def einsum_kernel_shape(layer: Any) -> tuple[int, ...]:
    """The shape of an EinsumDense's kernel as it was before it was packed; asking for ``kernel`` would unpack it."""
    stored = tuple(layer._kernel.shape)
    return tuple(getattr(layer, "original_kernel_shape", None) or unpacked(layer, stored) or stored)


__all__ = [
    "ATTRIBUTES",
    "GENERATOR",
    "LAST",
    "NAMES",
    "NODE",
    "SEEN",
    "SOURCE",
    "ConvLSTM",
    "Function",
    "Layer",
    "Node",
    "Operation",
    "Variable",
    "compute_output_spec",
    "einsum_kernel_shape",
    "get_shapes_dict",
    "global_state",
    "is_default",
    "object_registration",
    "saving_lib",
    "saving_options",
    "saving_utils",
    "serialization_lib",
    "unpacked",
]
