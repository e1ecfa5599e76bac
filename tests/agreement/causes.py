"""Why a reader's summary may differ from the live one: each cause lies in a format, an exporter or a framework.

What lies in a reader of ours is not a cause: it is fixed, not listed.
"""

from __future__ import annotations

#: Beside the rows: what training keeps of them, and positions that can't be followed through them.
WRITTEN_OUT = "The exporter writes the operator as others that compute the same, since the format or opset has none."
BIAS = "A bias is an operator of its own."
ALWAYS_AFFINE = "ONNX's norms always have a scale and a shift: the exporter writes ones and zeros."
FOLDED = "The exporter works out what depends on parameters alone, and folds batch norms into convolutions."
LEFT_OUT = "The exporter leaves out what does nothing in inference."
IN_PLACE = "What is assigned to a part of a tensor is a copy or a scatter in files."
LOOPS = "The exporter writes the operator as a loop over what it does to one item."
RECURRENT = (
    "ONNX has a node for each layer of a recurrent network, with the steps first, and a first state that is read."
)
WHOLE_IMAGES = "ONNX and Keras have a pooling of the whole image of their own."
NOT_RECORDED = "ONNX records neither what is done in place nor which parameters are trained."
NO_IMAGES = "Nothing in a SavedModel says that a tensor is an image, where no operator for images reads it."
FRAMEWORKS = "torch and Keras define the layer in different ways."
NO_FORM = "The exporter has no form of the operator in this opset."

#: In the order of the page, the most frequent ones first.
ALL = (
    *(WRITTEN_OUT, BIAS, FOLDED, ALWAYS_AFFINE, LEFT_OUT, IN_PLACE, LOOPS, RECURRENT, WHOLE_IMAGES, NOT_RECORDED),
    *(NO_IMAGES, FRAMEWORKS, NO_FORM),
)
