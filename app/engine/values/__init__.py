"""JSON values as JavaScript and n8n see them: conversions, comparisons, paths, tables. Pure; knows nobody."""
