"""Moving in from elsewhere: workflows from files."""
