"""NASA PCoE cells, as published and as converted for Kaggle."""
