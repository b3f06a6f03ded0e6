"""Several measurements of a star become one value with an asymmetric interval."""
