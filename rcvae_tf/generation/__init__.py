"""Curves for conditions that the user asks for, and the files that they go into."""
