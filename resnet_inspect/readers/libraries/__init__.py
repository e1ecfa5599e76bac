"""Models that other libraries name: timm's, transformers', keras-hub's."""
