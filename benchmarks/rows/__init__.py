"""One module a group of rows; each yields its rows from ``rows(bench)``."""
