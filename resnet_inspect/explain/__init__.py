"""Why the numbers of a network are what they are: formulas from ``ops``, sentences from the graph. Nothing is assumed.

``derivation.py`` finds the formulas of a layer, ``layer.py``, ``module.py``, ``network.py``, ``pair.py`` and
``family.py`` say what they show, ``versions.py`` tells ResNet v1, v1.5 and v2 apart, ``quiz.py`` asks, ``terms.py`` is
the glossary. All give an ``Explanation`` (``explanation.py``), which ``render/explain`` writes.
"""
