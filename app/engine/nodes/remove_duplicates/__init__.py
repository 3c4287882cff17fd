"""Remove Duplicates, within one execution and over many."""
