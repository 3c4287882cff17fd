"""Date & Time, all versions."""
