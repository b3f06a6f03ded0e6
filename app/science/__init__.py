"""The method: arrays in, arrays or frozen results out. No database, web, settings or clock."""
