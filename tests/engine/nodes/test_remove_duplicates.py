"""What Remove Duplicates says of a field that it does not find."""

import pytest

from app.engine.nodes.remove_duplicates.remove_duplicates import drop_duplicates
from app.engine.run.errors import NodeError
from tests.workflows import START, chain, node


@pytest.mark.parametrize(
    ("dots_off", "field", "told"), [(True, "b.c", True), (True, "bc", False), (False, "b.d", False)]
)
def test_a_missing_field_with_dots_tells_of_the_option_that_takes_them_for_a_name(dots_off, field, told):
    parameters = {"compare": "selectedFields", "fieldsToCompare": field, "options": {"disableDotNotation": dots_off}}
    with pytest.raises(NodeError, match=f"'{field}' field is missing") as caught:
        drop_duplicates([{"json": {"b": {"c": 1}}}], parameters, 2, hold=lambda _: None)
    assert ("disable dot notation" in (caught.value.description or "")) is told


def test_an_operation_that_it_does_not_have_is_an_error_that_names_it(engine):
    outcome = engine.run(chain(START, node("Dedupe", "removeDuplicates", {"operation": "forget"}, 2)))
    assert outcome.error.message == "The operation 'forget' of Remove Duplicates is not supported."


@pytest.mark.parametrize(("on_error", "output"), [("continueRegularOutput", 0), ("continueErrorOutput", 1)])
def test_the_item_of_an_error_carries_it(engine, on_error, output):
    compared = {"compare": "selectedFields", "fieldsToCompare": "a"}
    outcome = engine.run(chain(START, node("Dedupe", "removeDuplicates", compared, 2, onError=on_error)))
    [item] = outcome.data["resultData"]["runData"]["Dedupe"][0]["data"]["main"][output]
    message = "'a' field is missing from some input items"
    assert item["json"] == {"error": message}
    error = {key: value for key, value in item["error"].items() if key != "timestamp"}
    cause = {"name": "Error", "message": message}
    assert error == {"message": message, "name": "NodeOperationError", "context": {}, "cause": cause}
