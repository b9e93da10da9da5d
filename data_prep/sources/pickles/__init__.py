"""Plain data out of pickles, without running them."""
