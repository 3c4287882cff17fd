"""Measures the API and the worker; `make bench` runs it. Ratios are within one run on one machine."""
