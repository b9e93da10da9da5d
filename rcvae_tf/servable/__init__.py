"""What an exported model is on the disk and by name: known to the export and to the server."""
