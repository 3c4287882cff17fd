"""Users and members of projects: bodies and answers."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.schemas.base import (
    BoundedList,
    CamelSchema,
    IsoTime,
    StrictSchema,
    next_cursor_field,
    parse_uuid,
    query_flag,
)
from app.schemas.pages import OffsetPageQuery, UuidPageQuery
from app.vocabulary import MEMBER

MAX_AT_ONCE = 100
MAX_EMAIL_LENGTH = 254
PROJECT_ROLES = ("project:admin", "project:editor", "project:viewer")


class UserId(fields.String):
    """A user's id as text, loaded as a UUID."""

    default_error_messages = {"invalid_id": "Not a user id."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        uuid = parse_uuid(super()._deserialize(value, attr, data, **kwargs))
        if uuid is None:
            raise self.make_error("invalid_id")
        return uuid


class UserQuery(StrictSchema):
    """What to tell of a user."""

    include_role = query_flag("Include `role`.")


class UserListQuery(OffsetPageQuery, UuidPageQuery):
    """Which users, and what to tell of them."""

    include_role = query_flag("Include `role`.")
    project_id = fields.String(
        validate=validate.Length(1, 64), metadata={"description": "Only the members of this project."}
    )


class InvitationBody(StrictSchema):
    """One of those to invite."""

    email = fields.Email(required=True, validate=validate.Length(1, MAX_EMAIL_LENGTH))
    role = fields.String(
        load_default=MEMBER,
        validate=validate.Length(1, 64),
        metadata={"description": f"{MEMBER}, as nobody else can be invited."},
    )


class RelationBody(StrictSchema):
    """Who is to be a member, and as what."""

    user_id = UserId(required=True, metadata={"format": "uuid"})
    role = fields.String(required=True, validate=validate.OneOf(PROJECT_ROLES))


class MembersBody(StrictSchema):
    """Who is to be added as a member, and as what: 1 to MAX_AT_ONCE users."""

    relations = BoundedList(fields.Nested(RelationBody), required=True, validate=validate.Length(1, MAX_AT_ONCE))


class MemberRoleBody(StrictSchema):
    """The new role of a member."""

    role = fields.String(required=True, validate=validate.OneOf(PROJECT_ROLES))


class PersonSchema(CamelSchema):
    """A user as n8n shows one; names are null where nobody has given them."""

    id = fields.String(required=True)
    email = fields.String(required=True)
    first_name = fields.String(required=True, allow_none=True)
    last_name = fields.String(required=True, allow_none=True)
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class UserSchema(PersonSchema):
    """Who owns the instance or was invited."""

    is_pending = fields.Boolean(required=True, metadata={"description": "Was invited and has no key yet."})
    mfa_enabled = fields.Boolean(required=True, metadata={"description": "Always false."})
    role = fields.String(metadata={"description": "With includeRole=true: global:owner or global:member."})


class UserPageSchema(CamelSchema):
    """A page of users in the order of their ids."""

    data = fields.List(fields.Nested(UserSchema), required=True)
    next_cursor = next_cursor_field()


class InvitedUserSchema(CamelSchema):
    """A user who was invited. Nothing is sent: whoever runs this makes the key."""

    id = fields.String(required=True)
    email = fields.String(required=True)
    email_sent = fields.Boolean(required=True, metadata={"description": "Always false: no mail is sent."})
    role = fields.String(required=True)
    invite_accept_url = fields.String(
        required=True, metadata={"description": "Always empty: `flask keys create LABEL --user EMAIL` makes the key."}
    )


class InvitationSchema(CamelSchema):
    """What became of one invitation; `error` is empty where it is well."""

    user = fields.Nested(InvitedUserSchema, required=True)
    error = fields.String(required=True)


class MemberSchema(PersonSchema):
    """A user with the role in a project."""

    role = fields.String(required=True)


class MemberPageSchema(CamelSchema):
    """A page of members."""

    data = fields.List(fields.Nested(MemberSchema), required=True)
    next_cursor = next_cursor_field()


def check_invitations(invitations: list[dict[str, Any]]) -> None:
    """Raises ValidationError for more at once than can be read, and for a role that nobody can be invited to."""
    if len(invitations) > MAX_AT_ONCE:
        raise ValidationError(f"At most {MAX_AT_ONCE} users can be invited at once.")
    for number, invitation in enumerate(invitations):
        if invitation["role"] != MEMBER:
            raise ValidationError({str(number): {"role": [f"Only {MEMBER} can be invited."]}})
