"""Triggers that act by themselves on a worker, outside of any execution: those that look, and those that listen."""
