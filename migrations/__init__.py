"""The schema of the database, one step a file."""
