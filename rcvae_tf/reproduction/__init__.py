"""The paper in full as a list of parts, each a command in a process of its own, resumable."""
