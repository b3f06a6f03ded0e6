"""The nouns of the project as frozen values: no database, no web, no settings."""
