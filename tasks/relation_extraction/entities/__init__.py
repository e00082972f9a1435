"""The entities of a text: mentions with their types, and which of them name the same."""
