"""What readers of cyclers' tables share."""
