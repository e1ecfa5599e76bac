"""What the symbols of formulas mean."""

from __future__ import annotations

#: What each symbol of a formula is.
SYMBOLS = {
    "N": "images or rows in the batch",
    "C": "channels",
    "C_in": "input channels",
    "C_out": "output channels",
    "groups": "groups, which share no channels",
    "bias": "numbers of its bias, 0 without one",
    "D": "depth of the input",
    "H": "height of the input",
    "W": "width of the input",
    "D_out": "depth of the output",
    "H_out": "height of the output",
    "W_out": "width of the output",
    "k_d": "depth of the kernel",
    "k_h": "height of the kernel",
    "k_w": "width of the kernel",
    "s_d": "stride in depth",
    "s_h": "stride in height",
    "s_w": "stride in width",
    "p_d": "padding on each side in depth",
    "p_h": "padding above and below",
    "p_w": "padding left and right",
    "p_front": "padding in front",
    "p_back": "padding behind",
    "p_top": "padding above",
    "p_bottom": "padding below",
    "p_left": "padding on the left",
    "p_right": "padding on the right",
    "d_d": "dilation in depth",
    "d_h": "dilation in height",
    "d_w": "dilation in width",
    "in_features": "numbers read for each output",
    "out_features": "numbers in each result",
    "rows": "vectors that are multiplied: batch and positions",
    "columns": "columns of the product",
    "shared": "numbers in each sum of products",
    "vectors": "vectors of one number for each channel",
    "features": "numbers that are normalised together and have a weight each",
    "num_embeddings": "entries of the table",
    "embedding_dim": "numbers in each entry",
    "depth_multiplier": "outputs of the depthwise kernel for each channel",
    "gates": "products at each step: 4 of an LSTM, 3 of a GRU, 1 of a plain recurrence",
    "steps": "steps of all sequences of the batch",
    "hidden": "size of the state",
    "state": "numbers of the state that the next step reads: hidden, or fewer after a projection",
    "biases": "vectors of biases for each gate",
    "directions": "2 if the sequence is read backwards too, else 1",
    "layers": "recurrent layers, one after the other",
    "queries": "positions that ask, in each item of the batch",
    "keys": "positions that are asked",
    "heads": "heads",
    "kv_heads": "heads of keys and values, which several heads of queries may share",
    "key_dim": "width of a head's queries and keys",
    "value_dim": "width of a head's values",
    "query_width": "width of the queries that come in",
    "key_width": "width of the keys that come in",
    "value_width": "width of the values that come in",
    "elements": "numbers that are stored",
    "bytes_each": "bytes of a number",
}


def meaning(symbol: str) -> str:
    """What a symbol of a formula is."""
    letter = symbol.partition("_")[2]
    others = {"n": f"size of the index {letter}", "r": "rows that its input depends on", "j": "rows between its inputs"}
    others["d"] = "one of the sizes of its own tensor"
    return SYMBOLS.get(symbol) or others.get(symbol.partition("_")[0], symbol)
