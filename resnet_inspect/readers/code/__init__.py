"""Users' own Python: a model that a file or a package builds."""
