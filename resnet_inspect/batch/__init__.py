"""Many models at once: a request a line, a result a line, on one machine or on a cluster.

``lines.py`` makes a result line of a request line, in whichever process; ``sessions.py`` keeps a worker's children;
``workers.py`` sends lines to processes or to a cluster and takes results back in order, within a window that bounds
memory; ``results.py`` is the file, its lock and how a run is resumed. ``cli/requests.py`` reads a request line.
"""
