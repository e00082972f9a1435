"""Recommendation: items for a user, from what they liked and disliked, from words, and from other users' ratings."""
