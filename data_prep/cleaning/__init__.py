"""What makes a cycle unusable, and the count of it."""
