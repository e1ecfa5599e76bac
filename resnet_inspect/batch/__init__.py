"""Many models at once: a request a line, a result a line, on one machine or on a cluster."""
