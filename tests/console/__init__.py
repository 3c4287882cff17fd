"""The console: sessions, pages, and a walk through them in a browser."""
