"""Convert to File and Extract from File."""
