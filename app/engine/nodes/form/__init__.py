"""Forms: pages that start a workflow, and pages in its course."""
