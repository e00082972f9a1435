"""Event detection: triggers with their types, and what a message in a disaster reports."""
