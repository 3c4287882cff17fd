"""Which executions to watch."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, validates_schema

from app.filters import FILTERS
from app.schemas.base import StrictSchema
from app.schemas.execution_queries import field_of


class ExecutionEventsQuery(StrictSchema):
    """Which executions to watch: the filters of the list. Repeated parameters mean any of the values."""

    class Meta(StrictSchema.Meta):
        include: ClassVar = {wanted.parameter: field_of(wanted) for wanted in FILTERS}

    @validates_schema
    def check_metadata(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """A value alone says nothing."""
        if data.get("metadata_value") and "metadata_key" not in data:
            raise ValidationError("Needs metadataKey beside it.", "metadataValue")
