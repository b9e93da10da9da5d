"""Bayesian search of the settings that the paper does not give; nothing imports this package."""
