"""The name of a server is looked up once for a connection; one that nobody answers for holds up no other project."""

import asyncio
import socket
import threading

import anyio
import httpcore
import pytest

from app.outgoing import lookups
from app.outgoing.addresses import AddressRefused, AddressRules, UnknownHost
from tests.outgoing.asking import ask
from tests.patience import PATIENCE_SECONDS


def test_a_name_that_changes_its_answer_gains_nothing(address: str, monkeypatch) -> None:
    """The address that was checked is the one that is connected to: the name is not asked again."""
    asked: list[str] = []
    port = int(address.rsplit(":", 1)[1])

    def answers(host, port, *_, flags=0, **__):
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror
        asked.append(host)
        to = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (to, port))]

    reached: list[str] = []

    async def connect(*, remote_host: str, **_):
        reached.append(remote_host)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    monkeypatch.setattr(anyio, "connect_tcp", connect)
    with pytest.raises(httpcore.ConnectError):
        ask(f"http://rebinding.example:{port}/object")
    assert asked == ["rebinding.example"]
    assert reached == ["8.8.8.8"]


def test_one_bad_answer_among_good_ones_is_enough(monkeypatch) -> None:
    def answers(host, port, *_, flags=0, **__):
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (to, port)) for to in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with pytest.raises(AddressRefused):
        ask("http://mixed.example/")


def test_names_that_nobody_answers_for_keep_no_other_project_waiting(monkeypatch) -> None:
    """And those of the same project get their turn, or are told so: the system's resolver cannot be ended."""
    end, asked = threading.Event(), threading.Semaphore(0)

    def answers(host, port, *_, flags=0, **__):
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror
        if host == "hanging.example":
            asked.release()
            end.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))]

    async def look_up() -> None:
        alpha, beta = (AddressRules().within(project) for project in ("alpha", "beta"))
        hanging = [
            asyncio.ensure_future(alpha.resolve("hanging.example", 80)) for _ in range(lookups.MOST_AT_ONCE + 50)
        ]
        for _ in range(lookups.MOST_AT_ONCE):
            await asyncio.to_thread(asked.acquire, timeout=PATIENCE_SECONDS)
        for waits in hanging:
            waits.cancel()  # of whom nobody takes a place, but those who have one keep it
        await asyncio.wait(hanging)
        assert await beta.resolve("quick.example", 80) == ["8.8.8.8"]
        monkeypatch.setattr(lookups, "SECONDS", 0.05)
        with pytest.raises(UnknownHost, match=r"EAI_AGAIN quick\.example"):
            await alpha.resolve("quick.example", 80)
        monkeypatch.setattr(lookups, "SECONDS", PATIENCE_SECONDS)
        end.set()
        assert await alpha.resolve("quick.example", 80) == ["8.8.8.8"]
        assert not asked.acquire(blocking=False)

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    try:
        asyncio.run(look_up())
    finally:
        end.set()


def test_a_look_up_for_which_there_is_no_thread_takes_no_place(monkeypatch) -> None:
    def none(*_) -> None:
        raise RuntimeError("can't start new thread")

    async def look_up() -> None:
        rules = AddressRules().within("alpha")
        places = lookups._places[id(asyncio.get_running_loop()), "alpha"] = asyncio.Semaphore(lookups.MOST_AT_ONCE)
        with monkeypatch.context() as lacking:
            lacking.setattr("app.outgoing.lookups._thread.start_new_thread", none)
            for _ in range(lookups.MOST_AT_ONCE):
                with pytest.raises(UnknownHost, match=r"EAI_AGAIN some\.invalid"):
                    await rules.resolve("some.invalid", 80)
        assert not places.locked()

    asyncio.run(look_up())


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(UnknownHost, match=r"ENOTFOUND nowhere\.invalid"):
        ask("http://nowhere.invalid/")


def test_nobody_is_asked_for_a_name_that_none_can_be(monkeypatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("asked"))
    with pytest.raises(UnknownHost):
        asyncio.run(AddressRules().resolve("a." * 200 + "invalid", 80))
