"""The engine: one ``tokentoss rpc --stdio`` for this Python process, and JSON-RPC with it.

Everything secret goes through its pipes, and nothing through arguments or the environment. It is started when it is
first needed and ends with this process, however that ends. All here may be used by any thread.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from . import _executable
from ._logging import logger
from ._version import __version__
from .exceptions import EngineEndedError, EngineError, EngineVersionError, for_notebook

PROTOCOL = "tokentoss.rpc/1"
MAX_LINE = 1 << 20  # bytes
START_TIMEOUT = 30.0  # seconds; a busy machine takes its time
CALL_TIMEOUT = 180.0  # seconds; more than the engine gives the provider

Handler = Callable[[dict[str, Any]], None]


class RPCError(Exception):
    """An error that the engine answered. Whoever called knows which of the package's errors that is."""

    def __init__(self, error: dict[str, Any]) -> None:
        data = error.get("data") or {}
        self.reason: str = data.get("reason") or "internal"
        self.hint: str | None = for_notebook(data["hint"]) if data.get("hint") else None
        self.message = for_notebook(str(error.get("message") or "unknown error"))
        super().__init__(self.message)


class _Reply:
    """The answer to a request, once it is there."""

    __slots__ = ("arrived", "error", "result")

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.result: Any = None
        self.error: Exception | None = None

    def wait(self, timeout: float) -> Any:
        if not self.arrived.wait(timeout):
            raise EngineError(
                f"the tokentoss engine did not answer in {timeout:.0f} s", hint="restart the kernel or program"
            )
        if self.error is not None:
            raise self.error
        return self.result


class Engine:
    """A running executable. It is of no more use after it ended."""

    def __init__(self, executable: str, environment: dict[str, str]) -> None:
        self.executable = executable
        self.environment = environment
        self.ended = False
        self._why = ""
        self._lock = threading.Lock()  # guards what follows, and writing
        self._pending: dict[int, _Reply] = {}
        self._handlers: dict[str, tuple[Handler, Callable[[Engine], None]]] = {}
        self._count = 0
        self._log: deque[str] = deque(maxlen=5)
        self._process = self._start()
        self._threads = [
            threading.Thread(target=target, name=f"tokentoss-{what}", daemon=True)
            for what, target in (("engine", self._read_answers), ("engine-log", self._read_log))
        ]
        for thread in self._threads:
            thread.start()
        self._hello = self._send(
            "initialize", {"protocol": PROTOCOL, "client": {"name": "python", "version": __version__}}
        )
        self.info: dict[str, Any] | None = None

    def _start(self) -> subprocess.Popen[bytes]:
        options: dict[str, Any] = {"start_new_session": True}  # or ^C and a kernel's interrupt would end it
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        pipe = subprocess.PIPE
        try:
            return subprocess.Popen(
                [self.executable, "rpc", "--stdio"], bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, **options
            )
        except OSError as e:
            raise EngineError(
                f"{self.executable} cannot be run: {e.strerror}",
                hint="is it built for this machine? pip install --force-reinstall tokentoss",
            ) from e

    def ready(self) -> dict[str, Any]:
        """Waits until the engine has said who it is, and returns that."""
        if self.info is None:
            try:
                info = self._hello.wait(START_TIMEOUT)
            except RPCError as e:
                self.close()
                if e.reason == "version_mismatch":
                    raise EngineVersionError(e.message, hint=e.hint or _REINSTALL) from None
                raise EngineError(e.message, hint=e.hint) from None
            except EngineError:  # it ended, or it does not answer and is of no use
                self.close(0.1)
                raise
            if not isinstance(info, dict) or info.get("protocol") != PROTOCOL:
                self.close()
                spoken = info.get("protocol") if isinstance(info, dict) else None
                raise EngineVersionError(
                    f"{self.executable} speaks {spoken}, and this package {PROTOCOL}", hint=_REINSTALL
                )
            self.info = info
        return self.info

    def call(self, method: str, params: dict[str, Any], timeout: float = CALL_TIMEOUT) -> Any:
        """Makes a request and waits for its answer; RPCError is the engine's no."""
        self.ready()
        return self._send(method, params).wait(timeout)

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Tells the engine something that has no answer."""
        self.ready()
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def subscribe(self, session: str, message: Handler, ended: Callable[[Engine], None]) -> None:
        """Has message called with each message for the views of a session, and ended when there will be no more.

        Both are called by the thread that reads: they must not wait for an answer of the engine.
        """
        with self._lock:
            self._handlers[session] = (message, ended)

    def _send(self, method: str, params: dict[str, Any]) -> _Reply:
        reply = _Reply()
        with self._lock:
            self._count += 1
            number = self._count
            self._pending[number] = reply
        self._write({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return reply

    def _write(self, message: dict[str, Any]) -> None:
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if len(line) > MAX_LINE:
            raise EngineError(f"a message of {len(line)} bytes is longer than the engine takes")
        with self._lock:
            if self.ended:
                raise self._end_error()
            stdin = self._process.stdin
            assert stdin is not None
            try:
                view = memoryview(line)
                while view:
                    view = view[stdin.write(view) :]
            except (OSError, ValueError):
                pass  # it is ending: the reader finds that out, and fails what is pending
        logger.debug("-> %s", message["method"])

    def _read_answers(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        why = ""
        try:
            for line in _lines(stdout.fileno()):
                if not self._take(line):
                    why = "it wrote something that is not of the protocol"
                    break
        except OSError as e:
            why = f"its answers cannot be read: {e.strerror}"
        except _TooLongError:
            why = "it wrote a line longer than 1 MiB"
        self._end(why)

    def _take(self, line: bytes) -> bool:
        """Handles one line of the engine, and tells whether it was one of the protocol."""
        try:
            message = json.loads(line)
        except ValueError:
            return False
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return False
        if "method" in message:
            self._notified(message["method"], message.get("params") or {})
            return True
        with self._lock:
            reply = self._pending.pop(message.get("id", -1), None)
        if reply is None:  # nobody waits for it any more, or it is about what could not be read
            return True
        if "error" in message:
            reply.error = RPCError(message["error"])
        else:
            reply.result = message.get("result")
        reply.arrived.set()
        return True

    def _notified(self, method: str, params: dict[str, Any]) -> None:
        if method != "session.message":
            return  # of a newer engine
        with self._lock:
            handler = self._handlers.get(params.get("session", ""))
        if handler is None or not isinstance(params.get("message"), dict):
            return
        try:
            handler[0](params["message"])
        except Exception:
            logger.exception("a view could not take a message")

    def _read_log(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        try:
            for line in _lines(stderr.fileno()):
                text = line.decode(errors="replace").rstrip()
                self._log.append(text)
                logger.debug("engine: %s", text)
        except (OSError, _TooLongError):
            pass

    def _end(self, why: str) -> None:
        """Makes sure that the process has ended, and tells everybody who waits."""
        if why:
            self._process.terminate()  # so that it ends what it started
        code = _wait(self._process, 2.0)
        if self._threads[1] is not threading.current_thread():
            self._threads[1].join(1)
        with self._lock:
            self.ended = True
            self._why = why or f"it ended with status {code}"
            pending, self._pending = self._pending, {}
            handlers, self._handlers = self._handlers, {}
        for reply in pending.values():
            reply.error = self._end_error()
            reply.arrived.set()
        for _, ended in handlers.values():
            try:
                ended(self)
            except Exception:
                logger.exception("a session could not take the end of the engine")

    def _end_error(self) -> EngineError:
        said = f" ({self._log[-1]})" if self._log else ""
        if self.info is None:
            return EngineVersionError(
                f"{self.executable} is no engine for this package: {self._why}{for_notebook(said)}", hint=_REINSTALL
            )
        return EngineEndedError(
            f"the tokentoss engine ended: {self._why}{for_notebook(said)}", hint="try again: it starts anew"
        )

    def close(self, patience: float = 2.0) -> None:
        """Ends the process, at once where it does not end by itself."""
        if self._lock.acquire(timeout=patience):  # it is held for ever where the engine no longer reads
            try:
                if self._process.stdin is not None:
                    self._process.stdin.close()
            finally:
                self._lock.release()
        _wait(self._process, patience)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(patience)

    def abandon(self) -> None:
        """Lets go of the process in a child that was forked: it is the parent's."""
        self.ended = True
        self._process.returncode = 0  # nobody here may wait for it
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


_REINSTALL = "pip install --force-reinstall tokentoss; and unset TOKENTOSS_EXECUTABLE if it names another one"


def _wait(process: subprocess.Popen[bytes], patience: float) -> int:
    """Waits for the end of a process, kills it where it takes too long, and returns its status."""
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


class _TooLongError(Exception):
    pass


def _lines(fd: int) -> Any:
    """Gives the lines of a pipe. It holds no lock of the interpreter's while it waits, unlike a buffered reader."""
    rest = b""
    while chunk := os.read(fd, 1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > MAX_LINE:
            raise _TooLongError
    if rest:
        yield rest


_ENVIRONMENT = {"HOME", "XDG_CONFIG_HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}

_lock = threading.Lock()
_current: Engine | None = None
_closing = False


def environment() -> dict[str, str]:
    """Returns what an engine takes from the environment when it starts."""
    return {k: v for k, v in os.environ.items() if k.startswith("TOKENTOSS_") or k.upper() in _ENVIRONMENT}


def current() -> Engine:
    """Returns the engine, which it starts where there is none, or where os.environ has changed for it."""
    global _current
    with _lock:
        now = environment()
        engine = _current
        if engine is not None and not engine.ended and engine.environment != now:
            logger.debug("the environment has changed, the engine starts anew")
            engine.close()
            engine = None
        if engine is None or engine.ended:
            _current = engine = Engine(_executable.find(), now)
        return engine


def start_early() -> None:
    """Has the engine start while something else is done. Whoever needs it then learns of errors."""
    try:
        current()
    except EngineError as e:
        logger.debug("no engine yet: %s", e.args[0])


def closing() -> bool:
    """Tells whether this process is ending."""
    return _closing


def stop() -> None:
    """Ends the engine, if there is one. The next call starts another."""
    global _current
    with _lock:
        engine, _current = _current, None
    if engine is not None and not engine.ended:
        engine.close()


def _at_exit() -> None:
    global _closing
    _closing = True
    stop()


def _after_fork_in_child() -> None:
    global _current, _lock
    _lock = threading.Lock()
    engine, _current = _current, None
    if engine is not None:
        engine.abandon()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
