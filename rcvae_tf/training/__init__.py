"""Algorithm 2: training, what it watches, what it writes, and how it goes on after a stop."""
