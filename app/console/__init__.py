"""The console: web pages over the same repository and rules as the API, and nothing that the API cannot do."""
