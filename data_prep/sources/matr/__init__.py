"""MATR (Severson et al. 2019) and files in its layout."""

from data_prep.sources.matr.reader import find_files, list_cells, read_cell, side_files

__all__ = ["find_files", "list_cells", "read_cell", "side_files"]
