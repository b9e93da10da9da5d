"""The charge in a cycle."""
