"""A user's documents: read out of their files, cut into passages, and searched."""
