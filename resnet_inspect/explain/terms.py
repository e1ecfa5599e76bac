"""The glossary: what the words of summaries and explanations mean, and who uses them so."""

from __future__ import annotations

from typing import NamedTuple

from .explanation import Explanation, Section, Table


class Term(NamedTuple):
    """A word, a sentence, and where the word comes from."""

    term: str
    meaning: str
    source: str


TERMS = (
    Term(
        "activation",
        "The output of a layer; its bytes are what memory holds until the last layer has read it.",
        "PyTorch, autograd mechanics",
    ),
    Term(
        "active parameters",
        "The parameters that one token uses; a mixture of experts has more.",
        "Jiang et al. 2024, section 2",
    ),
    Term("basic block", "A residual block of two 3x3 convolutions.", "He et al. 2015, figure 5"),
    Term(
        "batch norm",
        "A layer that subtracts the mean of each channel and divides by its standard deviation.",
        "Ioffe and Szegedy 2015",
    ),
    Term(
        "bottleneck",
        "A residual block of 1x1, 3x3 and 1x1 convolutions, the inner ones narrower than its output.",
        "He et al. 2015, figure 5",
    ),
    Term(
        "branch",
        "The path through a residual block that does the work; the other one is the shortcut.",
        "He et al. 2016, equation 1",
    ),
    Term(
        "depth",
        "The number of weighted layers on the longest path: convolutions, fully connected layers, attention.",
        "He et al. 2015, table 1",
    ),
    Term(
        "depthwise convolution",
        "A convolution with as many groups as channels: no channel sees another.",
        "Chollet 2016",
    ),
    Term(
        "dilation",
        "The step between the positions that a kernel reads; 1 reads neighbours.",
        "Dumoulin and Visin 2016, section 5.1",
    ),
    Term("FLOPs", "Floating point operations: two for each MAC.", "He et al. 2015 counts MACs and calls them FLOPs"),
    Term("frozen parameter", "A parameter that training doesn't change.", "PyTorch, requires_grad"),
    Term("groups", "Parts of the channels that a convolution keeps apart.", "Xie et al. 2016, figure 3"),
    Term("identity shortcut", "A shortcut that passes the block's input on as it is.", "He et al. 2016, section 3"),
    Term(
        "inverted bottleneck",
        "A residual block that is wider inside than at its ends.",
        "Sandler et al. 2018, section 3.3",
    ),
    Term(
        "KV cache", "The keys and values of earlier tokens, which a decoder keeps for the next one.", "Pope et al. 2022"
    ),
    Term("layer", "One call of one operation; a module that is called twice is two layers.", "this tool"),
    Term("live memory", "The bytes of all outputs that a later layer still reads, at one layer.", "this tool"),
    Term(
        "MACs",
        "Multiplications followed by an addition; one for each weight and position of a convolution.",
        "Dumoulin and Visin 2016",
    ),
    Term(
        "module", "A part of a network with a name, which holds layers and other modules.", "PyTorch, torch.nn.Module"
    ),
    Term(
        "moving statistics",
        "Mean and variance of each channel that a batch norm keeps for inference; they aren't trained.",
        "Ioffe and Szegedy 2015, section 3.1",
    ),
    Term(
        "NCHW",
        "The order of an image's dimensions: batch, channels, height, width. Keras has NHWC.",
        "PyTorch, memory formats",
    ),
    Term(
        "padding",
        "Rows and columns that are added around an image before a kernel moves over it.",
        "Dumoulin and Visin 2016, section 2",
    ),
    Term(
        "parameter",
        "A number that training changes, or could. Keras counts moving statistics too, torch doesn't.",
        "PyTorch, Module.parameters",
    ),
    Term(
        "projection shortcut",
        "A shortcut with a 1x1 convolution, where a block changes channels or size.",
        "He et al. 2015, section 3.3, option B",
    ),
    Term(
        "receptive field",
        "The positions of the input that one position of an output depends on.",
        "Araujo, Norris and Sim 2019",
    ),
    Term("residual block", "Layers whose result is added to what they read.", "He et al. 2015, section 3.1"),
    Term(
        "ResNet v1, v1.5, v2",
        "v1 has a bottleneck's stride in its first 1x1 convolution, v1.5 in the 3x3 one, v2 a norm before each.",
        "He et al. 2015; torchvision; He et al. 2016",
    ),
    Term(
        "saved tensor",
        "An output that is kept from the forward pass, since a gradient is computed from it.",
        "PyTorch, saved tensors",
    ),
    Term(
        "shortcut",
        "The path around a residual block's branch; also called skip connection.",
        "He et al. 2015, section 3.2",
    ),
    Term("stage", "Residual blocks in a row that give the same number of channels.", "He et al. 2015, table 1"),
    Term(
        "stride",
        "The step between the positions of a kernel; 2 halves the image.",
        "Dumoulin and Visin 2016, section 2",
    ),
)


def explain_terms() -> Explanation:
    """All of them."""
    columns = (("term", "Term", False), ("meaning", "Meaning", False), ("source", "Source", False))
    rows = tuple(term._asdict() for term in TERMS)
    return Explanation("terms", "Terms", (Section("Terms", table=Table(columns, rows)),))
