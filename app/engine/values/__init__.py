"""JSON values as JavaScript and n8n see them: conversions, dates, paths, tables. Pure; knows nobody."""
