"""Battery Data Format: one table a cell."""
