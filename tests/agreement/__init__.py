"""One small network through every reader: what they say of it is compared operator by operator."""
