"""Charges that a model generated, written so that `data_prep` and others read them."""
