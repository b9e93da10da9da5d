"""Table 2: the model trained again without each of its parts."""
