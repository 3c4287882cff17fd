"""Users and the members of projects, as n8n's clients ask for them."""

from uuid import UUID

import jwt
import pytest

from app.key_text import new_key
from app.repository import users
from tests.api.conftest import Api

OWNER = "owner@executions.local"


@pytest.fixture
def owner(api: Api) -> dict:
    """The owner as the API shows it."""
    return api.get(f"/users/{OWNER}?includeRole=true").json


def invited(api: Api, *emails: str) -> list[dict]:
    response = api.post("/users", [{"email": email} for email in emails])
    assert response.status_code == 201
    return [entry["user"] for entry in response.json]


def test_there_is_an_owner(api, owner) -> None:
    assert list(owner) == [
        *("id", "email", "firstName", "lastName", "createdAt", "updatedAt", "isPending", "mfaEnabled", "role")
    ]
    assert (owner["role"], owner["isPending"], owner["email"]) == ("global:owner", False, OWNER)
    without = {key: value for key, value in owner.items() if key != "role"}
    for identifier in (owner["id"], OWNER, OWNER.upper(), "owner%40executions%2Elocal"):
        assert api.get(f"/users/{identifier}").json == without
    assert api.get("/users").json == {"data": [without], "nextCursor": None}
    assert api.get("/users?limit=1&includeRole=true").json["data"] == [owner]


@pytest.mark.parametrize("identifier", ["nobody@example.com", "nosuch", "1", str(UUID(int=0)), "x" * 500, "%00"])
def test_who_is_not_there(api, identifier) -> None:
    assert api.get(f"/users/{identifier}").status_code in (400, 404)
    assert api.delete(f"/users/{identifier}").status_code in (400, 404)


def test_a_key_names_its_user(api, owner) -> None:
    text = new_key(users.owner_id(api.db))
    claims = jwt.decode(text, options={"verify_signature": False})
    assert jwt.get_unverified_header(text) == {"alg": "HS256", "typ": "JWT"}
    assert (claims["sub"], claims["iss"], claims["aud"]) == (owner["id"], "n8n", "public-api")
    assert "exp" not in claims
    assert api.with_key(text, "user:read").get(f"/users/{claims['sub']}").json["id"] == owner["id"]
    assert new_key(UUID(owner["id"])) != new_key(UUID(owner["id"]))
    assert api.with_key(text[:-1] + ("A" if text[-1] != "A" else "B")).get("/users").status_code == 401


def test_invitations(api, owner) -> None:
    [ada, bob] = invited(api, "Ada@example.com", "bob@example.com")
    assert {**ada, "id": ""} == {
        "id": "",
        "email": "ada@example.com",
        "emailSent": False,
        "role": "global:member",
        "inviteAcceptUrl": "",
    } or ada["email"] == "bob@example.com"
    assert {each["id"] for each in invited(api, "ada@example.com", "ada@example.com", OWNER)} <= {ada["id"], bob["id"]}
    everybody = api.get("/users?includeRole=true").json["data"]
    assert {each["email"]: each["isPending"] for each in everybody} == {
        OWNER: False,
        "ada@example.com": True,
        "bob@example.com": True,
    }
    assert [each["id"] for each in everybody] == sorted(each["id"] for each in everybody)
    first = api.get("/users?limit=2").json
    rest = api.get(f"/users?cursor={first['nextCursor']}").json
    assert [each["id"] for each in first["data"] + rest["data"]] == [each["id"] for each in everybody]
    assert [each["id"] for each in api.get("/users?offset=2").json["data"]] == [everybody[2]["id"]]
    assert api.post("/users", []).json == []


@pytest.mark.parametrize(
    "body",
    [
        {"email": "x@example.com"},
        [{}],
        [{"email": "nomail"}],
        [{"email": "x@example.com\x00"}],
        [{"email": "x" * 300 + "@example.com"}],
        [{"email": "x@example.com", "role": "global:owner"}],
        [{"email": "x@example.com", "role": "global:admin"}],
        [{"email": f"x{number}@example.com"} for number in range(101)],
        [{"email": "good@example.com"}, {"email": "bad"}],
    ],
)
def test_who_cannot_be_invited(api, body) -> None:
    assert api.post("/users", body).status_code == 400
    assert len(api.get("/users").json["data"]) == 1


def test_a_deleted_user_takes_its_keys_along(api, owner) -> None:
    [ada] = invited(api, "ada@example.com")
    of_ada = api.with_key("of ada", "*", user_id=UUID(ada["id"]))
    assert api.get("/users/ada@example.com").json["isPending"] is False
    assert invited(api, "ada@example.com") == []
    assert api.delete("/users/ada@example.com").status_code == 204
    assert api.db.execute("SELECT count(*) FROM api_keys WHERE label = 'test'").fetchone() == (0,)
    assert of_ada.get("/users").status_code == 401
    response = api.delete(f"/users/{owner['id']}")
    assert (response.status_code, response.json["message"]) == (409, "The owner of the instance cannot be deleted")


def test_members_of_a_project(api) -> None:
    api.project("a"), api.project("b")
    [ada, bob] = invited(api, "ada@example.com", "bob@example.com")
    path = "/projects/a/users"
    assert api.get(path).json == {"data": [], "nextCursor": None}
    relations = [{"userId": each["id"], "role": "project:viewer"} for each in (ada, bob)]
    assert api.post(path, {"relations": relations}).status_code == 201
    assert api.post(path, {"relations": [{**relations[0], "role": "project:editor"}]}).status_code == 201
    members = {each["email"]: each["role"] for each in api.get(path).json["data"]}
    assert members == {ada["email"]: "project:editor", bob["email"]: "project:viewer"}
    assert api.patch(f"{path}/{bob['id']}", {"role": "project:admin"}).status_code == 204
    assert api.delete(f"{path}/{ada['id']}").status_code == 204
    assert api.delete(f"{path}/{ada['id']}").status_code == 404
    assert api.patch(f"{path}/{ada['id']}", {"role": "project:admin"}).status_code == 404
    assert [each["role"] for each in api.get(path).json["data"]] == ["project:admin"]
    assert api.get("/projects/b/users").json["data"] == []
    assert [each["email"] for each in api.get("/users?projectId=a").json["data"]].count(bob["email"]) == 1
    limited = api.with_key("of b", "user:list", "user:read", project_id="b")
    assert {each["email"] for each in limited.get("/users").json["data"]} == {OWNER}
    api.post("/projects/b/users", {"relations": [relations[1]]})
    assert {each["email"] for each in limited.get("/users").json["data"]} == {OWNER, bob["email"]}
    for project in ("a", "nosuch"):  # whether bob is there, too, is none of its business
        assert limited.get(f"/users?projectId={project}").json == {"message": "Project not found"}
    assert api.get("/users?projectId=nosuch").status_code == 404
    assert {each["email"] for each in limited.get("/users?projectId=b").json["data"]} == {OWNER, bob["email"]}
    api.delete(f"/projects/b/users/{bob['id']}")
    assert limited.get(f"/users/{bob['id']}").status_code == 404
    assert limited.get(path).status_code == 404
    stranger = {"userId": str(UUID(int=5)), "role": "project:viewer"}
    assert api.post(path, {"relations": [relations[0], stranger]}).status_code == 404
    assert len(api.get(path).json["data"]) == 1
    for body in ({}, {"relations": []}, {"relations": [{"userId": "x", "role": "project:viewer"}]}):
        assert api.post(path, body).status_code == 400
    assert api.post(path, {"relations": [{**relations[0], "role": "king"}]}).status_code == 400
    assert api.get("/projects/nosuch/users").status_code == 404
