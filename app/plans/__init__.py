"""Calibration plans as TOML files."""
