"""The server: an exported model over HTTP. It knows neither training nor the model's code."""
