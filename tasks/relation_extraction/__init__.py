"""Relation extraction: the entities of a text, and how they are related."""
