"""Nodes that make and read files: Compression, Convert to File, Extract from File, Move Binary Data, Spreadsheet."""
