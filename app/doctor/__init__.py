"""Looks a deployment over and says, for each thing that is not as it should be, what to do."""

from app.doctor.examination import examine
from app.doctor.finding import Finding

__all__ = ["Finding", "examine"]
