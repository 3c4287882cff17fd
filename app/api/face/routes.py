"""Rules of the URL map that take little time when an application is made."""

from collections.abc import Callable
from functools import cache

from werkzeug.routing import Rule


class Route(Rule):
    """A rule that makes the code which puts its addresses together when the first of them is wanted.

    Werkzeug compiles two functions for each rule as the map is filled, which is most of what an application takes to
    be made; of most rules no address is ever asked for.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = cache(super()._compile_builder)

        def build(rule: Rule, /, **values: object) -> tuple[str, str]:
            return compiled(append_unknown)(rule, **values)

        return build
