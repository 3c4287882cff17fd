"""The Data Table node: rows that are kept from one execution to the next, and the tables that they are in."""
