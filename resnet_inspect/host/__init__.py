"""What differs from one operating system to the next: every such call is here, in one file a topic, as twins.

The other modules call plain functions and never ask where they run. Nothing here knows anything of models.
"""
