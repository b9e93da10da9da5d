"""Tables and figures from what the commands left; no model, no TensorFlow."""
