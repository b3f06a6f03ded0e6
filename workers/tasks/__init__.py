"""The tasks, one a file; each is safe to run twice."""
