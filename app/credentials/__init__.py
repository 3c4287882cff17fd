"""Credentials: the vault, which alone encrypts and decrypts them."""
