"""The memory of a training step over time: what lives while each layer runs forward and backward.

``plan.py`` says how a network is trained; ``operations.py`` makes the operations that autograd records of its layers;
``schedule.py`` says when each of them runs; ``timeline.py`` follows their memory through a step.
"""
