"""Measurements in, quasi-video TFRecords out."""
