"""Asks a person to paste an address, without showing or saving it, and stops asking when that is no longer needed."""

from __future__ import annotations

import getpass
import os
import sys
import threading
from typing import Any

from . import _kernel


class Prompt:
    """One question, which ends with an answer or by stop(), which another thread may call."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._stopped = threading.Event()

    def ask(self) -> str | None:
        """Returns what was pasted, or None after stop()."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ends the question."""
        self._stopped.set()


class TerminalPrompt(Prompt):
    """Asks in a POSIX terminal, without echo."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._wake = os.pipe()

    def ask(self) -> str | None:
        import select
        import termios

        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
        silent = termios.tcgetattr(fd)
        silent[3] &= ~termios.ECHO
        try:
            termios.tcsetattr(fd, termios.TCSAFLUSH, silent)
            sys.stderr.write(self._text)
            sys.stderr.flush()
            ready: list[int] = []
            while not ready:  # a ^C that comes right before select() does not end it, only what follows sees it
                ready, _, _ = select.select([fd, self._wake[0]], [], [], 0.25)
            if fd not in ready or self._stopped.is_set():
                return None
            line = os.read(fd, 16384)  # a whole line: the terminal collects it
            if not line:
                raise EOFError
            return line.decode(errors="replace").strip()
        finally:
            termios.tcsetattr(fd, termios.TCSAFLUSH, before)
            sys.stderr.write("\n")
            for end in self._wake:
                os.close(end)
            self._wake = (-1, -1)

    def stop(self) -> None:
        super().stop()
        if self._wake[1] >= 0:
            os.write(self._wake[1], b"x")


class ConsolePrompt(Prompt):
    """Asks in a Windows console, without echo."""

    def ask(self) -> str | None:
        import msvcrt

        console: Any = msvcrt
        sys.stderr.write(self._text)
        sys.stderr.flush()
        line = ""
        while not self._stopped.is_set():
            if not console.kbhit():
                self._stopped.wait(0.05)
                continue
            key = console.getwch()
            if key == "\x03":
                raise KeyboardInterrupt
            if key in "\r\n":
                sys.stderr.write("\n")
                return line.strip()
            line = line[:-1] if key == "\b" else line + key
        return None


class KernelPrompt(Prompt):
    """Asks in a notebook, in the field that it has for passwords.

    The field is waited for by the main thread, which only an interrupt wakes. So stop() is one, as far as ask() waits.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._lock = threading.Lock()
        self._asking = False
        self._interrupted = False
        self._main = threading.current_thread() is threading.main_thread()

    def ask(self) -> str | None:
        try:
            with self._lock:
                if self._stopped.is_set():
                    return None
                self._asking = True
            answer = getpass.getpass(self._text)
            with self._lock:
                self._asking = False
            if self._interrupted:  # a moment ago: it is still to come
                self._stopped.wait()
                for _ in range(100):
                    threading.Event().wait(0.001)
            return answer.strip()
        except KeyboardInterrupt:
            if self._interrupted:
                return None
            raise
        finally:
            self._asking = False

    def stop(self) -> None:
        super().stop()
        with self._lock:
            if self._main and self._asking and not self._interrupted:
                import _thread

                self._interrupted = True
                _thread.interrupt_main()


def prompt(text: str) -> Prompt:
    """Returns the way to ask that works here."""
    if _kernel.kernel() is not None:
        return KernelPrompt(text)
    return ConsolePrompt(text) if sys.platform == "win32" else TerminalPrompt(text)
