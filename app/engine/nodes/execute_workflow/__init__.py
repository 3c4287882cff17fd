"""Execute Workflow, its trigger, and what the one hands to the other."""
