"""Set (Edit Fields), all versions."""
