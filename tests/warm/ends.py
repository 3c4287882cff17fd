"""A program that ends as its argument says, after a thread that is still at work then."""

import atexit
import sys
import threading


def main(end: str) -> None:
    late = threading.Event()
    threading.Thread(target=lambda: late.wait() and print("thread")).start()
    atexit.register(print, "last")
    print("first", end=" ")
    late.set()
    if end == "error":
        raise ValueError("odd")
    if end == "interrupted":
        raise KeyboardInterrupt
    if end != "through":
        sys.exit({"code": 3, "nothing": None, "words": "a word"}[end])


if __name__ == "__main__":
    main(sys.argv[1])
