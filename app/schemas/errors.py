"""The one shape of every error."""

from marshmallow import fields

from app.schemas.base import SingletonSchema


class ErrorSchema(SingletonSchema):
    """What went wrong, in a sentence; validation also says where."""

    message = fields.String(required=True, metadata={"description": "One sentence that says what is wrong."})
    errors = fields.Dict(
        keys=fields.String(),
        metadata={
            "description": "What is wrong with each field, by its name; lists of sentences, nested as the request."
        },
    )
