"""What several nodes have in common: the files of items, issues before a run, and n8n's words for what breaks."""
