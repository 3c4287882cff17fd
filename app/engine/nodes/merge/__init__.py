"""Merge in all its versions and Compare Datasets, which match the items of two inputs by their fields."""
