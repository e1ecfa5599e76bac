"""A file for each command, by its name: it is imported when the command is called."""
