"""Results drawn from a summary, never changing it.

``facts.py`` works each out once, when a metric asks, keyed by layer. Of the edges alone: ``graph.py`` (dominators)
tells ``residual.py`` where paths part and meet, ``forms.py`` names what that finds, and ``paths.py`` counts.
``receptive.py`` adds up kernels, ``memory.py`` bytes. ``training/`` follows those through a training step; ``fit.py``
asks whether they fit, ``batches.py`` at which batch, and ``roofline.py`` how fast a device is at most. ``rows.py``
makes the rows of tables, folded or not, and ``rails.py`` gives them lanes. ``checkpoint_match.py`` compares a
checkpoint with a model. ``metrics/`` has a file for each quantity of layers: tables, totals, comparisons, reports and
budgets take amounts, titles and wording from there.
"""

#: The optimizers whose states are known (``training/optimizers.py``). Here, because every command offers the names.
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw", "lion", "adam8bit", "adafactor")
