"""Data sets of this project's own format, measured or generated."""
