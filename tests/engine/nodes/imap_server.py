"""A small IMAP server for tests: one mailbox, in which mails are put while clients wait for them."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NUMBERS = re.compile(r"(\d+):\*")


class Box:
    """The mailbox; `seen` are the numbers that were marked, `logins` who has come in."""

    def __init__(self) -> None:
        self.mails: dict[int, bytes] = {}
        self.seen: set[int] = set()
        self.searches: list[str] = []
        self.clients: list[socketserver.StreamRequestHandler] = []
        self.came = threading.Condition()
        self.port = 0
        self.password = "secret"
        self.idles = True
        self.chatter = b""
        """What it says before it answers a search, unasked."""
        self.sizes = ""
        """What it answers in place of the sizes of mails."""

    def put(self, mail: bytes) -> None:
        with self.came:
            self.mails[max(self.mails, default=0) + 1] = mail
            self.came.notify_all()

    def at_store(self) -> None:
        """What happens while mails are marked: nothing, unless a test says so."""

    def cut(self) -> None:
        """Close every connection, as a server does that restarts."""
        for client in self.clients:
            client.connection.shutdown(2)


class Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.box: Box = self.server.box  # type: ignore[attr-defined]
        self.box.clients.append(self)
        self.told = 0
        self.say("* OK ready")
        try:
            while line := self.rfile.readline().decode().strip():
                tag, command, rest = [*line.split(" ", 2), ""][:3]
                if command.upper() == "UID":
                    command, _, rest = rest.partition(" ")
                self.answer(tag, command.upper(), rest)
        except OSError:
            pass
        finally:
            self.box.clients.remove(self)

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def answer(self, tag: str, command: str, rest: str) -> None:
        if command == "CAPABILITY":
            self.say(f"* CAPABILITY IMAP4rev1 {'IDLE' if self.box.idles else ''}")
        elif command == "LOGIN" and self.box.password not in rest:
            self.say(f"{tag} NO wrong password {rest}")
            return
        elif command == "SELECT":
            self.tell()
            self.say("* OK [UIDVALIDITY 7] ok")
        elif command == "SEARCH":
            self.box.searches.append(rest)
            self.wfile.write(self.box.chatter)
            first = int(found[1]) if (found := NUMBERS.search(rest)) else 0
            unseen = [n for n in self.box.mails if n >= first and ("UNSEEN" not in rest or n not in self.box.seen)]
            self.say("* SEARCH " + " ".join(map(str, unseen)))
        elif command == "FETCH":
            self.fetch(rest)
        elif command == "STORE":
            self.box.seen |= {int(n) for n in rest.split()[0].split(",")}
            self.box.at_store()
            self.tell()
        elif command == "IDLE":
            self.idle(tag)
            return
        self.say(f"{tag} OK done")

    def tell(self) -> None:
        """Say how many mails there are, unless the client knows: once, with the answer to whatever it has sent."""
        if len(self.box.mails) != self.told:
            self.told = len(self.box.mails)
            self.say(f"* {self.told} EXISTS")

    def fetch(self, rest: str) -> None:
        for number in map(int, rest.split()[0].split(",")):
            mail = self.box.mails[number]
            if "RFC822.SIZE" in rest:
                self.say(f"* {number} FETCH ({self.box.sizes or f'UID {number} RFC822.SIZE {len(mail)}'})")
            else:
                self.wfile.write(
                    f"* {number} FETCH (UID {number} BODY[] {{{len(mail)}}}\r\n".encode() + mail + b")\r\n"
                )

    def idle(self, tag: str) -> None:
        self.say("+ idling")
        done = threading.Event()

        def read() -> None:
            self.rfile.readline()
            done.set()
            with self.box.came:
                self.box.came.notify_all()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        with self.box.came:
            while not done.is_set():
                self.tell()
                self.box.came.wait(5)
        self.say(f"{tag} OK done")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def running() -> Iterator[Box]:
    with Server(("127.0.0.1", 0), Session) as server:
        box = server.box = Box()  # type: ignore[attr-defined]
        box.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield box
        server.shutdown()
