"""What differs from one operating system to the next: every such call is here, in one file a topic, as twins.

The other modules call plain functions and never ask where they run. Nothing here knows anything of models.

``processes.py`` starts programs and ends them with all that they started; ``forks.py`` copies this process (not on
Windows); ``keeper.py`` removes a folder however the command ends. ``limits.py`` bounds memory and time, ``machine.py``
and ``memory.py`` say what there is of them. ``locks.py``, ``folders.py``, ``paths.py`` and ``streams.py`` are about
files. ``linux.py`` and ``kernel32.py`` are what only one system has. ``tests/support/platforms.py`` plays the other
systems on Linux.
"""
