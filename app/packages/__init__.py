"""Node packages from npm: what an installed one offers, and the process that runs it.

`manifest.py` is what is known of a package without its files; `catalogue.py` reads one from an installed folder.
"""
