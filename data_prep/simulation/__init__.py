"""Simulated cells like those of the MATR data set; see `data_prep.simulate` for the command."""
