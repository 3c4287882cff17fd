"""Pages with forms that start workflows, or let a waiting execution go on."""
