"""One TOML descriptor for each file format of each survey, and what reads and applies them."""
