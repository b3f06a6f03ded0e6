"""What surveys publish: observations laid out in the columns of their official catalogues."""
