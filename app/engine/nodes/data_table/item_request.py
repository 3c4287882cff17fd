"""What one input item asks of a data table: which table, which rows, which values."""

from dataclasses import dataclass
from typing import Any

from app import dates
from app.engine.nodes.shared.wrong_inputs import wrong_input
from app.engine.run.context import NodeContext
from app.engine.run.data_tables import DataTableRefused, DataTables, Json
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert, Undefined
from app.vocabulary import SYSTEM_COLUMNS

ANY, ALL = "anyCondition", "allConditions"
OF_TYPE = ("string", "number", "boolean")


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of the node for one of its items."""

    context: NodeContext
    parameters: dict[str, Any]
    index: int

    @property
    def item(self) -> Item:
        """The input item that asks."""
        return self.context.items[self.index]

    @property
    def zone(self) -> str:
        """The time zone of dates that say none."""
        return self.context.timezone

    @property
    def options(self) -> dict[str, Any]:
        """The parameter `options`; empty where it is no object."""
        return as_group(self.parameters.get("options"))

    @property
    def store(self) -> DataTables:
        """Raises NodeError where this run has no tables."""
        if self.context.execution.ports.data_tables is None:
            raise NodeError("This execution has no data tables.")
        return self.context.execution.ports.data_tables

    def locator(self) -> Any:
        """What names the table, by name or by id."""
        chosen = self.parameters.get("dataTableId")
        return chosen.get("value") if isinstance(chosen, dict) else chosen

    async def table_id(self) -> str:
        """The id of the table that is meant. Raises NodeError, DataTableRefused."""
        chosen, value = self.parameters.get("dataTableId"), self.locator()
        text = value if isinstance(value, str) else conversions.display(value)
        if not (isinstance(chosen, dict) and chosen.get("mode") == "name"):
            return text
        table = await self.store.find(text)
        if table is None:
            raise NodeError(f'Data table with name "{text}" not found')
        return table

    def dry_run(self) -> bool:
        """Raises NodeError for a value that is neither true nor false."""
        wanted = self.options.get("dryRun", False)
        if not isinstance(wanted, bool):
            raise NodeError(f"unexpected input {conversions.to_json_text(wanted)} for boolean dryRun")
        return wanted

    def limit(self) -> int | None:
        """How many to output at most, None: all."""
        if self.parameters.get("returnAll", False):
            return None
        wanted = conversions.to_number(self.parameters.get("limit", 50))
        return int(wanted) if wanted >= 1 else None

    def row(self) -> dict[str, Any]:
        """The values for a row, by the names of columns. Raises NodeError."""
        columns = self.parameters.get("columns") or {}
        if columns.get("mappingMode") == "autoMapInputData":
            values = {name: value for name, value in self.item["json"].items() if name not in SYSTEM_COLUMNS}
        else:
            values = columns.get("value", {})
            if values is None:
                raise NodeError("Cannot convert undefined or null to object", anonymous=True)
            kinds = {entry.get("id"): entry.get("type") for entry in columns.get("schema") or []}
            values = {name: self._of_type(name, value, kinds.get(name)) for name, value in values.items()}
        return {name: self._scalar(value) for name, value in values.items()}

    def _of_type(self, name: str, value: Any, kind: Any) -> Any:
        """A value as the type that the node's own list of columns names. Raises NodeError for another."""
        if kind not in OF_TYPE or value is None or isinstance(value, Undefined):
            return value
        try:
            return conversions.convert(value, kind)
        except CannotConvert:
            raise wrong_input(name, name, kind, value, self.index) from None

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, Undefined):
            return None
        if isinstance(value, dict | list):
            kind = "array" if isinstance(value, list) else "object"
            raise NodeError(f"unexpected {kind} input '{conversions.to_json_text(value)}' in row {self.index}")
        return value

    async def row_filter(self, table_id: str) -> Json:
        """The filter that the node's conditions make. Raises NodeError, DataTableRefused."""
        entries = (self.parameters.get("filters") or {}).get("conditions") or []
        match = self.parameters.get("matchType", ANY)
        if match not in (ANY, ALL):
            raise NodeError("unexpected match type")
        if not isinstance(entries, list) or not all(isinstance(e, dict) and "keyName" in e for e in entries):
            raise NodeError("unexpected fields input")
        types = {**SYSTEM_COLUMNS, **(await self.store.columns(table_id))} if entries else {}
        unknown = [str(entry["keyName"]) for entry in entries if entry["keyName"] not in types]
        if unknown:
            raise NodeError(
                f'Filter validation failed: Column(s) "{", ".join(unknown)}" do not exist in the selected table. '
                "This often happens when switching between tables with different schemas. "
                "Please update your filter conditions."
            )
        filters = [_condition(entry, types[entry["keyName"]]) for entry in entries]
        return {"type": "and" if match == ALL else "or", "filters": filters}


def _condition(entry: dict[str, Any], kind: str) -> Json:
    name, condition = entry["keyName"], entry.get("condition") or "eq"
    if condition in ("isEmpty", "isNotEmpty"):
        return {"columnName": name, "condition": condition, "value": None}
    if condition in ("isTrue", "isFalse"):
        return {"columnName": name, "condition": "eq", "value": condition == "isTrue"}
    value = entry.get("keyValue", "")
    if isinstance(value, Undefined):
        value = None
    if kind == "date" and isinstance(value, str) and dates.parse(value) is None:
        raise NodeError(f"Invalid date string '{value}' for column '{name}'")
    if isinstance(value, dict | list):
        raise DataTableRefused("Validation error with data table request: a condition compares with one value")
    return {"columnName": name, "condition": condition, "value": value}
