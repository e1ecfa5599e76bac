"""Networks as data: graphs of operations with attributes, built without a framework.

``network(name, flavor)`` finds a preset; ``residual_block(spec)`` builds a single block. A graph says what is
computed, not on which shapes: that is for the rules in ``ops``. ``flavor.py`` has each framework's wording, and
``keras_order.py`` the order in which Keras runs its layers.
"""
