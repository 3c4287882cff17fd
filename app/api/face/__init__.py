"""What every call meets, whatever it asks for: keys, scopes, errors, codings, limits, replica, OpenAPI."""
