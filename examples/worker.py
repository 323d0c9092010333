#!/usr/bin/env python3
"""An Overwatch worker in Python, with the standard library only.

    examples/worker.py --node http://127.0.0.1:8765 --threads 4

serves the task type `count_words`. `Worker` below is all that another worker needs: give it handlers of its own.

A handler gets a `Task` and returns its result (anything that json can write). It raises `Failed` to say that the attempt
failed, and may raise `Failed(..., retryable=False)` when trying again is of no use. It looks at `task.stopping` now and
then: when that is set (cancelled, out of time), it returns or raises soon; after 10 s the task goes on without it.

What is promised: an outcome is sent again until a node has said that it is durable, or that it is not wanted any more; so
each task is completed once, whatever dies in between: this program, a node, the connection.
"""

import argparse
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request

API = "/api/overwatch"
PATIENCE = 40  # seconds: longer than a node needs to say that it cannot answer now


class Failed(Exception):
    def __init__(self, message, retryable=True):
        super().__init__(message)
        self.retryable = retryable


class NotAttached(Exception):
    """The node does not know this worker (any more)."""


class Refused(Exception):
    """The request is wrong; sending it again will not help."""


class Task:
    """One attempt. All of it may be used from any thread."""

    def __init__(self, attempt):
        self.id = attempt["id"]
        self.token = attempt["token"]
        self.attempt = attempt["attempt"]
        self.task_type = attempt["task_type"]
        self.name = attempt["name"]
        self.payload = attempt["payload"]
        self.context = attempt["context"]
        self.parents = attempt["parents"]
        self.limit = attempt["limit"]
        self.stopping = threading.Event()
        self.reason = ""
        self._lock = threading.Lock()
        self._news = {}
        self._lines = []

    def progress(self, percent, message=""):
        with self._lock:
            self._news = {"progress": max(0, min(100, percent)), "message": message[:1000]}

    def log(self, message, level="info", **data):
        line = {"level": level, "message": str(message)[:4000]}
        if data:
            line["data"] = data
        with self._lock:
            self._lines = (self._lines + [line])[-100:]

    def stop(self, reason):
        self.reason = self.reason or reason
        self.stopping.set()

    def _named(self):
        return {"id": self.id, "token": self.token}

    def _beat(self):
        with self._lock:
            beat = {**self._named(), **self._news, "log": self._lines}
            self._news, self._lines = {}, []
        return beat

    def _last_lines(self):
        with self._lock:
            lines, self._lines = self._lines, []
        return lines


class Worker:
    """Serves task types with handlers: `Worker(nodes, {"resize": resize}, threads=8).run()`."""

    def __init__(self, nodes, handlers, threads=4, name=None):
        self.nodes = [node.rstrip("/") for node in nodes]
        self.handlers = handlers
        self.threads = threads
        self.name = name or f"{socket.gethostname()}-{os.getpid()}"
        self.id = None
        self.lease = 15.0
        self._registering = threading.Lock()
        self._changed = threading.Condition()
        self._running = {}  # by id and token
        self._leaving = False
        self._done = threading.Event()

    def run(self):
        """Returns after `leave`, when everything that was running has been finished."""
        self._register(None)
        threading.Thread(target=self._send_heartbeats, daemon=True).start()
        claims = [threading.Thread(target=self._claim, args=(kind,), daemon=True) for kind in self.handlers]
        for thread in claims:
            thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._leaving and not self._running)
        self._done.set()

    def leave(self):
        """Takes nothing new. May be called from a signal handler's thread."""

        def tell():
            with self._changed:
                self._leaving = True
            try:
                self._call("DELETE", f"/workers/{self.id}", None, limit=5)
            except (NotAttached, Refused, OSError):
                pass  # its lease will end
            with self._changed:
                self._changed.notify_all()

        threading.Thread(target=tell, daemon=True).start()

    # -- talking to nodes -------------------------------------------------------

    def _ask(self, method, path, body):
        """One request to one node. OSError: not answered now, ask again or another one."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.nodes[0] + API + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE + 30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            if error.code == 404:
                raise NotAttached(text) from None
            if error.code in (408, 429) or error.code >= 500:
                raise OSError(f"{error.code}: {text[:200]}") from None
            raise Refused(f"{error.code}: {text[:500]}") from None
        except (urllib.error.URLError, json.JSONDecodeError, ValueError) as error:
            raise OSError(str(error)) from None

    def _call(self, method, path, body, limit=None):
        """The same, at any node, again and again until `limit` seconds have passed (None: for ever)."""
        until = None if limit is None else time.monotonic() + limit
        pause = 0.1
        while True:
            try:
                return self._ask(method, path, body)
            except OSError:
                if until is not None and time.monotonic() + pause > until:
                    raise
            self.nodes.append(self.nodes.pop(0))
            time.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _register(self, lost):
        """A new id, unless another thread was faster. What ran under the old one is started again by its node."""
        with self._registering:
            if self.id != lost:
                return
            types = {kind: self.threads for kind in self.handlers}
            answer = self._call("POST", "/workers", {"name": self.name, "types": types})
            with self._changed:
                for task in self._running.values():
                    task.stop("stale")
            self.id, self.lease = answer["id"], answer["lease"]
            print(f"attached as {self.id}", file=sys.stderr, flush=True)

    def _post(self, route, body, limit=None):
        """A request about this worker; registers again when it is not known."""
        while True:
            known = self.id
            try:
                return self._call("POST", f"/workers/{known}/{route}", body, limit)
            except NotAttached:
                if route == "finish" or not self._leaving:
                    self._register(known)
                if route != "finish":
                    raise

    # -- working ----------------------------------------------------------------

    def _claim(self, kind):
        def mine():
            return sum(task.task_type == kind for task in self._running.values())

        while not self._done.is_set():
            with self._changed:
                self._changed.wait_for(lambda: mine() < self.threads or self._leaving)
                if self._leaving:
                    return
                free = self.threads - mine()
            try:
                answer = self._post("claim", {"task_type": kind, "limit": free, "wait": 30}, limit=5)
            except (NotAttached, OSError):
                continue  # registered again, or no node answers: go on
            except Refused:
                if self._leaving:
                    return
                raise
            for attempt in answer["attempts"]:
                task = Task(attempt)
                with self._changed:
                    self._running[task.id, task.token] = task
                threading.Thread(target=self._execute, args=(task,), daemon=True).start()
            self._stop(answer["stop"])

    def _stop(self, stops):
        with self._changed:
            tasks = [(self._running.get((stop["id"], stop["token"])), stop["reason"]) for stop in stops]
        for task, reason in tasks:
            if task:
                task.stop(reason)

    def _send_heartbeats(self):
        beaten = time.monotonic()
        while not self._done.wait(min(self.lease / 3, 1.0)):
            with self._changed:
                tasks = list(self._running.values())
            if not tasks and time.monotonic() - beaten < self.lease / 3:
                continue
            beaten = time.monotonic()
            try:
                answer = self._post("heartbeat", {"attempts": [task._beat() for task in tasks]}, limit=self.lease / 3)
            except (NotAttached, OSError):
                continue
            self._stop(answer["stop"])

    def _execute(self, task):
        begin = time.monotonic()
        outcome = {"status": "failed"}
        try:
            result = self.handlers[task.task_type](task)
            json.dumps(result, allow_nan=False)
            outcome = {"status": "completed", "result": result}
        except Failed as error:
            outcome.update(message=str(error)[:1000], retryable=error.retryable)
        except Exception as error:  # a handler may raise anything
            task.log(traceback.format_exc(), level="error")
            outcome["message"] = f"{type(error).__name__}: {error}"[:1000]
        outcome["execution_time"] = time.monotonic() - begin
        self._finish(task, outcome)
        with self._changed:
            del self._running[task.id, task.token]
            self._changed.notify_all()

    def _finish(self, task, outcome):
        """Returns when the fate of the outcome is known."""
        finished = {**task._named(), **outcome, "log": task._last_lines()}
        while True:
            try:
                fate = self._post("finish", {"attempts": [finished]})["attempts"][0]
            except Refused as error:  # a result that a node cannot take
                finished = {**task._named(), "status": "failed", "retryable": False, "message": str(error)[:1000]}
                continue
            if fate["durable"]:
                return
            if fate["error"]["code"] == "conflict":
                print(f"{task.id}: {fate['error']['message']}", file=sys.stderr, flush=True)
                return
            time.sleep(0.5)  # not known yet


def count_words(task):
    """Counts the words of `text`; takes `pause` seconds for each, so that there is something to watch."""
    text = task.payload.get("text")
    if not isinstance(text, str):
        raise Failed("the payload has no text", retryable=False)
    words = text.split()
    counts = {}
    for number, word in enumerate(words, 1):
        if task.stopping.wait(task.payload.get("pause", 0)):
            raise Failed(f"stopped at word {number}: {task.reason}")
        counts[word] = counts.get(word, 0) + 1
        task.progress(100 * number / len(words), word)
    task.log(f"counted {len(words)} words", words=len(words))
    return {"words": len(words), "counts": counts}


def main():
    parser = argparse.ArgumentParser(description="serves the task type count_words")
    parser.add_argument("--node", action="append", help="address of a node; may be given several times")
    parser.add_argument("--threads", type=int, default=4, help="tasks at once")
    parser.add_argument("--name", help="for people")
    options = parser.parse_args()
    worker = Worker(options.node or ["http://127.0.0.1:8765"], {"count_words": count_words}, options.threads, options.name)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.leave())
    worker.run()


if __name__ == "__main__":
    main()
