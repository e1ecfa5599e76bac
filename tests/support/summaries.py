"""Random summaries for hypothesis: anything that the IR allows."""

from __future__ import annotations

from hypothesis import strategies as st

from resnet_inspect.analysis.memory import saved_bytes
from resnet_inspect.ir import DTYPE_BITS, Layer, Model, Parameter, Summary, Tensor, Trace, Value
from resnet_inspect.ops.vocabulary import is_view

#: JSON and terminals take any text but lone surrogates; control characters are not part of a name.
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12)
DTYPES = st.sampled_from([*DTYPE_BITS, "unheard_of"])
SHAPES = st.lists(st.integers(0, 10**6), max_size=5).map(tuple)
TENSORS = st.builds(Tensor, SHAPES, DTYPES, st.sampled_from([None, "NCHW", "NHWC"]))
VALUES: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)
#: One of every kind that an analysis treats in its own way.
OPS = [
    *("input", "other", "conv2d", "dense", "attention", "add", "concat", "mul", "relu", "batch_norm", "layer_norm"),
    *("max_pool2d", "adaptive_avg_pool2d", "flatten", "reshape", "dropout", "softmax", "resize", "zero_pad2d", "pad"),
]
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=3).map(lambda items: tuple(items.items()))
PARAMETERS = st.builds(
    Parameter, NAMES, SHAPES, DTYPES, st.sampled_from(["trainable", "frozen", "statistics"]), st.booleans()
)


@st.composite
def summaries(draw: st.DrawFn) -> Summary:
    """A summary whose ids are unique and whose edges run forward."""
    layers: list[Layer] = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=6, unique=True)):
        sources = draw(st.lists(st.sampled_from([layer.id for layer in layers]), max_size=3)) if layers else []
        op, attributes = draw(st.sampled_from(OPS)), draw(ATTRIBUTES)
        layers.append(
            Layer(
                id=name,
                path=name,
                type=draw(NAMES),
                op=op,
                inputs=tuple(sources),
                input_tensors=tuple(draw(TENSORS) for _ in sources),
                output_tensors=tuple(draw(st.lists(TENSORS, max_size=2))),
                parameters=tuple(draw(st.lists(PARAMETERS, max_size=3))),
                shared=tuple(draw(st.lists(NAMES, max_size=2))),
                macs=draw(st.none() | st.integers(0, 10**15)),
                attributes=attributes,
                called=draw(st.booleans()),
                view=is_view(op, attributes),
            )
        )
    return Summary(
        model=Model(draw(NAMES), "torch", draw(NAMES), draw(ATTRIBUTES), draw(st.none() | NAMES)),
        inputs=tuple(draw(st.lists(TENSORS, max_size=2))),
        outputs=tuple(draw(st.lists(TENSORS, max_size=2))),
        layers=tuple(layers),
        modules=tuple(draw(st.dictionaries(NAMES, NAMES, max_size=3)).items()),
        trace=Trace(draw(st.sampled_from(["rules", "meta", "real"])), draw(st.none() | NAMES)),
        unused=tuple(draw(st.lists(NAMES, max_size=2))),
        reasons=tuple(draw(st.lists(NAMES, max_size=2))),
        environment=tuple(draw(st.dictionaries(NAMES, NAMES, max_size=2)).items()),
    )


def kept_in_all(summary: Summary) -> tuple[int, int]:
    """Bytes that training keeps for the backward pass, and how many layers keep what nobody knows."""
    sizes = saved_bytes(summary).values()
    return sum(size or 0 for size in sizes), sum(size is None for size in sizes)
