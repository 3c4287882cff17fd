"""Data tables: what a cell can hold, which rows a filter means, and what is done with tables, for API and worker."""
