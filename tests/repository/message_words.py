"""The words of an error's message, as a search by words is to know them."""

import re


def words_of(text: str) -> set[str]:
    """Letters and digits, at most 200 of them a word."""
    return {word for run in re.findall(r"[^\W_]+", text.lower()) for word in re.findall(".{1,200}", run)}
