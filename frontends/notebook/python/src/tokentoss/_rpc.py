"""The tokentoss executable as a server: ``tokentoss rpc --stdio`` as a child of this process, and JSON-RPC with it.

Everything secret goes through its pipes, and nothing through arguments or the environment. It is started when it is
first needed and ends with this process, however that ends. All here may be used by any thread, and by
gevent's greenlets.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import _executable
from ._logging import logger
from ._remedies import hint_of
from ._version import __version__
from .exceptions import ExecutableEndedError, ExecutableError, ExecutableVersionError, for_notebook

PROTOCOL = "tokentoss.rpc/1"
MAX_LINE = 1 << 20  # bytes
START_TIMEOUT = 30.0  # seconds; a busy machine takes its time
CALL_TIMEOUT = 180.0  # seconds; more than the executable gives the provider

Handler = Callable[[dict[str, Any]], None]


class RPCError(Exception):
    """An error that the executable answered. Whoever called knows which of the package's errors that is."""

    def __init__(self, error: dict[str, Any]) -> None:
        data = error.get("data") or {}
        self.reason: str = data.get("reason") or "failed"
        self.exception: str = data.get("exception") or ""
        self.hint = hint_of(data)
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
            raise ExecutableError(
                f"the tokentoss executable did not answer in {timeout:.0f} s", hint="restart the kernel or program"
            )
        if self.error is not None:
            raise self.error
        return self.result


class Server:
    """A running executable. It is of no more use after it ended."""

    def __init__(self, executable: str, environment: dict[str, str]) -> None:
        self.executable = executable
        self.environment = environment
        self.ended = False
        self._why = ""
        self._foreign = True  # until it has said that it is of this package
        self._lock = threading.Lock()  # guards what follows, and writing
        self._pending: dict[int, _Reply] = {}
        self._handlers: dict[str, tuple[Handler, Callable[[Server], None]]] = {}
        self._count = 0
        self._log: deque[str] = deque(maxlen=5)
        self._process = self._start()
        self._threads = [
            threading.Thread(target=target, name=f"tokentoss-{what}", daemon=True)
            for what, target in (("rpc", self._read_answers), ("rpc-log", self._read_log))
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
            process = subprocess.Popen(
                [self.executable, "rpc", "--stdio"],
                bufsize=0,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                env={**{k: v for k, v in os.environ.items() if not _counts(k)}, **self.environment},
                **options,
            )
        except OSError as e:
            raise ExecutableError(
                f"{self.executable} cannot be run: {e.strerror}",
                hint="is it built for this machine? pip install --force-reinstall tokentoss",
            ) from e

        if sys.platform != "win32":  # gevent's threads share one of the system's, which no read may hold
            for each in (process.stdin, process.stdout, process.stderr):
                assert each is not None
                os.set_blocking(each.fileno(), False)
        return process

    def ready(self) -> dict[str, Any]:
        """Waits until the executable has said who it is, and returns that."""
        if self.info is None:
            try:
                info = self._hello.wait(START_TIMEOUT)
            except RPCError as e:
                self.close()
                if e.reason == "version_mismatch":
                    raise ExecutableVersionError(e.message, hint=e.hint or _REINSTALL) from None
                raise ExecutableError(e.message, hint=e.hint) from None
            except ExecutableError:  # it ended, or it does not answer and is of no use
                self.close(0.1)
                raise
            if not isinstance(info, dict) or info.get("protocol") != PROTOCOL:
                self.close()
                spoken = info.get("protocol") if isinstance(info, dict) else None
                raise ExecutableVersionError(
                    f"{self.executable} speaks {spoken}, and this package {PROTOCOL}", hint=_REINSTALL
                )
            self.info, self._foreign = info, False
        return self.info

    def call(self, method: str, params: dict[str, Any], timeout: float = CALL_TIMEOUT) -> Any:
        """Makes a request and waits for its answer; RPCError is the executable's no."""
        self.ready()
        return self._send(method, params).wait(timeout)

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Tells the executable something that has no answer."""
        self.ready()
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def subscribe(self, session: str, message: Handler, ended: Callable[[Server], None]) -> None:
        """Has message called with each message for the views of a session, and ended when there will be no more.

        Both are called by the thread that reads: they must not wait for an answer of the executable.
        """
        with self._lock:
            self._handlers[session] = (message, ended)

    def unsubscribe(self, session: str) -> None:
        """Undoes subscribe()."""
        with self._lock:
            self._handlers.pop(session, None)

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
            raise ExecutableError(f"a message of {len(line)} bytes is longer than the executable takes")
        with self._lock:
            if self.ended:
                raise self._end_error()
            stdin = self._process.stdin
            assert stdin is not None
            try:
                view = memoryview(line)
                while view:
                    written = stdin.write(view)
                    if written is None:  # the pipe is full
                        _ready(stdin.fileno(), select.POLLOUT)
                    else:
                        view = view[written:]
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
            self._foreign = False
            why = f"its answers cannot be read: {e.strerror}"
        except _TooLongError:
            why = "it wrote a line longer than 1 MiB"
        self._end(why)

    def _take(self, line: bytes) -> bool:
        """Handles one line of the executable, and tells whether it was one of the protocol."""
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
            return  # of a newer executable
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
                logger.debug("rpc: %s", text)
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
                logger.exception("a session could not take the end of the executable")

    def _end_error(self) -> ExecutableError:
        said = f" ({self._log[-1]})" if self._log else ""
        if self._foreign:
            return ExecutableVersionError(
                f"{self.executable} is not the executable of this package: {self._why}{for_notebook(said)}",
                hint=_REINSTALL,
            )
        return ExecutableEndedError(
            f"the tokentoss executable ended: {self._why}{for_notebook(said)}", hint="try again: it starts anew"
        )

    def close(self, patience: float = 2.0) -> None:
        """Ends the process, at once where it does not end by itself."""
        if self._lock.acquire(timeout=patience):  # it is held for ever where the executable no longer reads
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


def _lines(fd: int) -> Iterator[bytes]:
    """Gives the lines of a pipe. It holds no lock of the interpreter's while it waits, unlike a buffered reader."""
    rest = b""
    while chunk := _read(fd):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > MAX_LINE:
            raise _TooLongError
    if rest:
        yield rest


def _read(fd: int) -> bytes:
    """Returns what there is in a pipe, as soon as there is something."""
    while True:
        try:
            return os.read(fd, 1 << 16)
        except BlockingIOError:
            _ready(fd, select.POLLIN)


def _ready(fd: int, event: int) -> None:
    """Waits for a pipe; under gevent, which has a poll of its own, others run meanwhile."""
    poll = select.poll()
    poll.register(fd, event)
    poll.poll()


SERVERS = 4  # at most, each for an environment of its own

_NAMES = {"HOME", "XDG_CONFIG_HOME", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}

_lock = threading.Lock()
_servers: OrderedDict[str, Server] = OrderedDict()  # by environment, the one that was used last at the end
_closing = False


def _counts(name: str) -> bool:
    return name.startswith("TOKENTOSS_") or name.upper() in _NAMES


def environment() -> dict[str, str]:
    """Returns what the executable takes from the environment when it starts."""
    return {name: value for name, value in os.environ.items() if _counts(name)}


def server(variables: dict[str, str] | None = None) -> Server:
    """Returns the server for an environment, the present one by default. It is started where there is none."""
    variables = environment() if variables is None else variables
    key = json.dumps(variables, sort_keys=True)
    with _lock:
        running = _servers.pop(key, None)
        if running is None or running.ended:
            running = Server(_executable.find(variables.get("TOKENTOSS_EXECUTABLE", "")), variables)
        _servers[key] = running
        over = [_servers.popitem(last=False)[1] for _ in range(len(_servers) - SERVERS)]
    for old in over:
        old.close()
    return running


def config_dir() -> Path:
    """Returns the configuration directory: $TOKENTOSS_CONFIG_DIR, or the platform's."""
    return Path(server().ready()["config_dir"])


def start_early() -> None:
    """Has the executable start while something else is done. Whoever needs it then learns of errors."""
    try:
        server()
    except ExecutableError as e:
        logger.debug("no executable yet: %s", e.args[0])


def closing() -> bool:
    """Tells whether this process is ending."""
    return _closing


def stop() -> None:
    """Ends what was started. The next call starts it again."""
    with _lock:
        running = list(_servers.values())
        _servers.clear()
    for each in running:
        if not each.ended:
            each.close()


def _at_exit() -> None:
    global _closing
    _closing = True
    stop()


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    running = list(_servers.values())
    _servers.clear()
    for each in running:
        each.abandon()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
