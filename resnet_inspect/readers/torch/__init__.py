"""torch's modules: built on meta, run once, and what ran recorded.

``build.py`` builds, ``run.py`` leads from the inputs (``inputs/``; ``shapes.py`` there says what sizes mean) to a
summary: on meta, as for an export, or, where a model reads values (detection), on real tensors with all weights zero,
so that every machine agrees. ``state.py`` restores what a forward changed, and sets the modes of training.
``object.py`` is for a module that somebody brings.

``trace.py`` records one run. ``modes.py`` hears functions and operators, ``leaves.py`` says which modules have rows of
their own, ``higher_order.py`` follows ``cond``, ``while_loop`` and ``scan``, ``edges.py`` knows where values come
from: by a tensor's identity, and by its storage where values are written in place. ``operators.py`` and
``functions.py`` name modules and functions, ``cost.py`` counts by torch's own formulas, ``parameters.py`` says what a
model holds, ``known.py`` gives results that are known without running an operator, ``walk.py`` goes through modules
without recursion, and ``failure.py`` words what failed. ``standins.py`` keeps parts of torch that no summary needs out
of our own processes. ``compat.py`` has every private name of torch that we use, with the versions that it was seen in.
"""
