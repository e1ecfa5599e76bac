"""Keras models read from their configuration alone, without Keras, where all that is in it is known here.

Whatever isn't known raises ``Unknown``, and then Keras itself builds the model (``keras.file``): both give the same
rows, so that nobody need know which of the two has answered. What is known is a closed list (``layers.py``) of what
Keras writes of its own usual layers, each value within what Keras surely takes (``settings.py``).
"""
