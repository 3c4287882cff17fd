"""Moving in from elsewhere: workflows from files, or everything from an n8n."""
