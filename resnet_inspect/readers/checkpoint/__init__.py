"""Files of tensors without a network, and the pickles of torch."""
