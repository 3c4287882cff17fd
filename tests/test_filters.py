"""A filter that stands in the table is known to the query string, the cursor, the condition and the ranges."""

from dataclasses import fields, replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.api.executions.filters import filter_of_query
from app.filters import FILTERS, Filter
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_lists import page_statement, ranges_of
from app.schemas.execution_queries import ExecutionListQuery
from app.schemas.workflows import WorkflowListQuery

NOT_OF_A_QUERY = {"visible_project"}
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=9)
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1)).map(lambda time: time.replace(tzinfo=UTC).isoformat())
SCHEMA = ExecutionListQuery()


def name_of(each: Filter) -> str:
    return SCHEMA.fields[each.parameter].data_key


def texts_of(each: Filter) -> st.SearchStrategy[list[str] | str]:
    """What a query string may say for a filter."""
    if each.kind == "time":
        return TIMES
    if each.has_word:
        return TEXTS.map(lambda text: f"{text} a")
    if each.kind == "text":
        return TEXTS
    one = {"words": st.sampled_from(each.words or ("",)), "ids": st.integers(1, 2**63 - 1).map(str), "texts": TEXTS}
    return st.lists(one[each.kind], min_size=1, max_size=3)


QUERIES = st.fixed_dictionaries({}, optional={name_of(each): texts_of(each) for each in FILTERS}).filter(
    lambda query: "metadataValue" not in query or "metadataKey" in query
)


def example(each: Filter) -> dict[str, object]:
    """The attributes of ExecutionFilter that are set where only this filter is given."""
    value = datetime.now(UTC) if each.kind == "time" else (7,) if each.kind == "ids" else ("x",)
    given = {each.attribute: value if each.repeatable or each.kind == "time" else "x"}
    return given | ({"metadata_key": "k"} if each.attribute == "metadata_value" else {})


def test_the_table_names_every_filter_of_the_repository_once():
    attributes = [each.attribute for each in FILTERS]
    assert len(set(attributes)) == len(attributes)
    assert set(attributes) == {field.name for field in fields(ExecutionFilter)} - NOT_OF_A_QUERY


@given(QUERIES, st.integers(1, 250), st.integers(1, 2**63 - 1))
def test_any_combination_survives_the_cursor(query, limit, last_id):
    loaded = SCHEMA.load({**query, "limit": limit})
    followed = SCHEMA.load({"cursor": SCHEMA.next_cursor(loaded, str(last_id))})
    assert followed == {**loaded, "last_id": last_id}
    assert filter_of_query(followed, "p") == filter_of_query(loaded, "p")


@given(QUERIES)
def test_every_filter_of_a_query_reaches_the_repository(query):
    wanted = filter_of_query(SCHEMA.load(query), None)
    for each in FILTERS:
        assert (name_of(each) in query) == (getattr(wanted, each.attribute) not in ((), None))


def test_every_filter_is_a_condition_of_its_own_and_together_with_any_other():
    for each in FILTERS:
        alone = ExecutionFilter(**example(each))
        assert alone.condition()[1].keys() >= {each.attribute}
        for other in FILTERS:
            both = replace(alone, **example(other))
            for statement, parameters in (both.condition(), page_statement(both, limit=1)):
                text = statement.as_string()
                assert all(f"%({name})s" in text for name in parameters), text
                for one in (each, other):
                    assert {one.attribute, f"each_{one.column}"} & parameters.keys(), (each, other)


def test_what_ranges_take_over_is_no_condition_beside_them():
    for each in FILTERS:
        wanted = ExecutionFilter(**example(each))
        ranges = ranges_of(wanted)
        if ranges is not None and each.column in ranges.columns:
            assert wanted.without(ranges.columns) == ExecutionFilter()


def test_a_cursor_carries_all_that_says_which_list_it_is_and_nothing_else():
    assert SCHEMA.filters() == [each.parameter for each in FILTERS]
    assert WorkflowListQuery().filters() == ["active", "name", "tags", "project_id"]
