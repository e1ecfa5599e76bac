"""What networks that none of us wrote do in Keras. Every number is arithmetic, written out beside it."""

from __future__ import annotations

from typing import Any

from resnet_inspect import summarize
from resnet_inspect.diffs import compare
from tests.support.command import in_child, needs


@in_child("tensorflow")
def test_functions_that_multiply_matrices() -> None:
    import keras
    from keras import ops

    class Own(keras.layers.Layer):
        def __init__(self, function: Any, *shapes: Any) -> None:
            super().__init__()
            self.function = function
            self.kernels = [self.add_weight(shape=shape) for shape in shapes]

        def call(self, x: Any) -> Any:
            return self.function(x, *self.kernels)

    image, rows = (16, 16, 4), (16, 4)
    for function, shapes, given, macs in (
        (ops.conv, [(3, 3, 4, 8)], image, 14 * 14 * 8 * (3 * 3 * 4)),
        (ops.depthwise_conv, [(3, 3, 4, 2)], image, 14 * 14 * 8 * (3 * 3)),
        (ops.separable_conv, [(3, 3, 4, 1), (1, 1, 4, 8)], image, 14 * 14 * (4 * 9 + 4 * 8)),
        (lambda x, k: ops.conv_transpose(x, k, 2), [(3, 3, 8, 4)], image, 16 * 16 * 4 * (3 * 3 * 8)),
        (ops.dot, [(4, 8)], rows, 16 * 8 * 4),
        (lambda x, k: ops.tensordot(x, k, axes=1), [(4, 8)], rows, 16 * 8 * 4),
        (lambda x, k: ops.tensordot(x, k, axes=[[2], [0]]), [(4, 8)], rows, 16 * 8 * 4),
    ):
        summary = summarize(keras.Sequential([Own(function, *shapes)]), given)
        assert (summary.totals.macs, summary.totals.uncounted) == (macs, ()), function
        assert summary.totals.params == sum(int(ops.prod(shape)) for shape in shapes)

    mapped = Own(lambda x, k: ops.vectorized_map(lambda row: ops.matmul(row, k), x), (4, 8))
    totals = summarize(keras.Sequential([mapped]), rows).totals
    if hasattr(keras.src.ops.core, "VectorizedMap"):
        assert (totals.macs, totals.uncounted) == (16 * 8 * 4, ())
    else:  # In Keras before 3.11 it is not an operation, and the layer that calls it says that it isn't counted.
        assert (totals.macs, totals.uncounted, totals.params) == (0, (mapped.name,), 4 * 8)


@in_child("tensorflow")
def test_what_solves_or_decomposes_is_not_counted_and_says_so() -> None:
    import keras
    from keras import ops

    for name, function in {
        "inv": ops.inv,
        "det": ops.det,
        "qr": lambda a: ops.qr(a)[0],
        "svd": lambda a: ops.svd(a)[1],
        "eigh": lambda a: ops.eigh(a)[0],
        "lu_factor": lambda a: ops.lu_factor(a)[0],
        "solve": lambda a: ops.solve(a, a),
        "norm": lambda a: ops.norm(a, ord="nuc", axis=(1, 2)),
        "corrcoef": lambda a: ops.corrcoef(a[0]),
        "switch": lambda a: ops.switch(0, [lambda x: ops.matmul(x, x)], a),
    }.items():
        if name == "corrcoef" and not hasattr(ops, name):
            continue  # Keras 3.10 doesn't have it
        given = keras.Input((4, 4), batch_size=1)
        totals = summarize(keras.Model(given, function(given)), (4, 4)).totals
        assert [path.split("_1")[0] for path in totals.uncounted] == [name]
    given = keras.Input((4, 4))
    by_element = keras.Model(given, ops.norm(given, axis=(1, 2)) + ops.norm(given[:, 0], ord=2, axis=1))
    assert summarize(by_element, (4, 4)).totals.uncounted == ()


@in_child("tensorflow")
def test_additive_attention_adds_and_weighs() -> None:
    import keras

    query, value = keras.Input((5, 8)), keras.Input((7, 8))
    added = keras.Model([query, value], keras.layers.AdditiveAttention()([query, value]))
    # 5 queries by 7 keys: the scores are sums of tanh, and each weighs a value of 8.
    assert summarize(added, [(5, 8), (7, 8)]).totals.macs == 5 * 7 * 8
    concat = keras.Model([query, value], keras.layers.Attention(score_mode="concat")([query, value]))
    assert summarize(concat, [(5, 8), (7, 8)]).totals.macs == 5 * 7 * 8
    multiplied = keras.Model([query, value], keras.layers.Attention()([query, value]))
    assert summarize(multiplied, [(5, 8), (7, 8)]).totals.macs == 5 * 7 * (8 + 8)


@needs("keras", "3.14")
@in_child("tensorflow")
def test_a_gate_of_attention_is_one_more_projection() -> None:
    import keras

    query, value = keras.Input((5, 8)), keras.Input((7, 8))
    many = keras.layers.MultiHeadAttention(2, 3, value_dim=4, use_gate=True)
    grouped = keras.layers.GroupQueryAttention(4, 6, 2, use_gate=True)
    # Projections of 5 queries and 7 keys and values, scores and weighted sums, what comes out, and the gate.
    of_many = 5 * 8 * 2 * 3 + 7 * 8 * 2 * (3 + 4) + 2 * 5 * 7 * (3 + 4) + 5 * 2 * 4 * 8 + 5 * 8 * 2 * 4
    of_grouped = 5 * 8 * 6 * 4 + 7 * 8 * 2 * (4 + 4) + 6 * 5 * 7 * (4 + 4) + 5 * 6 * 4 * 8 + 5 * 8 * 6 * 4
    for layer, macs in ((many, of_many), (grouped, of_grouped)):
        model = keras.Model([query, value], layer(query, value))
        totals = summarize(model, [(5, 8), (7, 8)]).totals
        assert (totals.macs, totals.params) == (macs, model.count_params())


@needs("keras", "3.15")
@in_child("tensorflow")
def test_a_sliding_window_of_attention_is_a_setting_that_saves_nothing() -> None:
    import keras

    row = keras.Input((8, 16))
    old, new = (
        summarize(keras.Model(row, keras.layers.GroupQueryAttention(4, 4, 2, sliding_window=window)(row, row)), (8, 16))
        for window in (None, 2)
    )
    assert new.totals.macs == old.totals.macs
    found = compare(old, new)
    assert [(c.field, c.old, c.new) for layer in found.layers for c in layer.changes] == [("sliding_window", None, 2)]


@in_child("tensorflow")
def test_augmentation_in_front_costs_nothing_and_is_no_unknown() -> None:
    import keras
    from keras import layers

    augmented = [
        *(layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomZoom(0.1), layers.RandomTranslation(0.1, 0.1)),
        *(layers.RandomContrast(0.1), layers.RandomBrightness(0.1), layers.Resizing(6, 6), layers.Conv2D(4, 3)),
    ]
    found = summarize(keras.Sequential(augmented), (9, 9, 3))
    assert (found.totals.macs, found.totals.uncounted) == (4 * 4 * 4 * (3 * 3 * 3), ())


@in_child("tensorflow")
def test_what_a_wrapper_or_a_lambda_calls_has_rows() -> None:
    import keras
    from keras import ops

    normed = summarize(keras.Sequential([keras.layers.SpectralNormalization(keras.layers.Conv2D(8, 3))]), (16, 16, 4))
    # The kernel, its bias, and the vector of 8 by which the norm is found, which isn't trained.
    assert (normed.totals.params, normed.totals.trainable_params) == (3 * 3 * 4 * 8 + 8 + 8, 3 * 3 * 4 * 8 + 8)
    assert (normed.totals.macs, normed.totals.uncounted) == (14 * 14 * 8 * (3 * 3 * 4), ())
    product = summarize(keras.Sequential([keras.layers.Lambda(lambda x: ops.matmul(x, ops.ones((4, 8))))]), (3, 4))
    assert (product.totals.macs, product.totals.uncounted) == (3 * 8 * 4, ())
