"""Work of more than a second says on a terminal that it goes on."""

import io
import sys
import time

import pytest

import nsdl
import nsdl.progress


class Terminal(io.StringIO):
    def __init__(self, encoding="utf-8"):
        super().__init__()
        self.name_of_encoding = encoding

    @property
    def encoding(self):
        return self.name_of_encoding

    def isatty(self):
        return True


@nsdl.foreign_function
def slowly(x: int) -> int:
    time.sleep(1.3)
    return x


def run_slowly():
    context = nsdl.Context()
    context.register(slowly)
    context.add_program("rel p(1)  rel q($slowly(x)) = p(x)  query q")
    context.run()
    assert context.relation("q") == [(1,)]


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "⠋"), ("ascii", "|")])
def test_long_work_is_shown_and_wiped(monkeypatch, encoding, mark):
    terminal = Terminal(encoding)
    monkeypatch.setattr(sys, "stderr", terminal)
    run_slowly()
    assert f"\r{mark} nsdl works, 1 s; Ctrl-C stops it" in terminal.getvalue()
    shown, wiped = terminal.getvalue().rsplit("stops it ", 1)
    assert wiped.strip(" \r") == "" and wiped.count("\r") == 2
    longest = max(len(part) for part in shown.split("\r"))
    assert wiped.count(" ") >= longest + len("stops it ")


def test_pipes_and_the_disabled_see_nothing(monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    nsdl.progress.tell(2.0)
    nsdl.progress.done()
    assert pipe.getvalue() == ""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(nsdl.progress, "enabled", False)
    nsdl.progress.tell(2.0)
    nsdl.progress.done()
    assert terminal.getvalue() == ""


def test_a_closed_terminal_is_no_error(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    def fail(text):
        raise ValueError("I/O operation on closed file")

    monkeypatch.setattr(terminal, "write", fail)
    nsdl.progress.tell(2.0)
    nsdl.progress.done()
    monkeypatch.setattr(sys, "stderr", None)
    nsdl.progress.tell(2.0)
