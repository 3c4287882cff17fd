"""Credentials: their types, the vault, which alone encrypts and decrypts them, and the tokens of OAuth."""
