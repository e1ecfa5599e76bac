"""Keras' models: built without weights, called on symbolic tensors; its files and HDF5."""
