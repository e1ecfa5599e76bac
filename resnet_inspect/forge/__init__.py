"""GitHub and GitLab: one comment on a pull request that later runs find again and update.

``http.py`` sends requests, ``github.py`` and ``gitlab.py`` know the addresses and the answers of each, and
``comment.py`` sees to it that there is one comment. ``event.py`` reads what GitHub says of the pull request that a job
runs for, and ``handover.py`` carries a report from a job without a token to one that has one.
"""
