"""The shell scripts that run on nodes, and the messages that they answer with."""
