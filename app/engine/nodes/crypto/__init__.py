"""Crypto: hashes, signatures, keys, encryption."""
