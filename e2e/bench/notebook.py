"""What a notebook does with tokentoss, for both packages of that name: the one that is built here, and an earlier one
that does all of it in Python. Its first argument says what."""

import json
import sys
import time
import urllib.request


def first(base):
    """Import, and a first call."""
    from tokentoss import IAPClient

    IAPClient(base_url=base).get_json("/")


def bare(base):
    """The same without signing in: what any program with requests needs."""
    import requests

    requests.Session().get(base + "/bare").json()


def rate(base, seconds, credentials=None):
    """Requests per second. With a token file the earlier package is used as after a sign-in in the same kernel."""
    import tokentoss
    from tokentoss import IAPClient

    if credentials:
        from google.oauth2.credentials import Credentials

        with open(credentials) as f:
            tokentoss.CREDENTIALS = Credentials(token="unused", id_token=json.load(f)["id_token"])
    client = IAPClient(base_url=base)
    client.get_json("/")
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < float(seconds):
        client.get_json("/")
        count += 1
    print(count / (time.perf_counter() - began))


def exchange(ready, url, armed):
    """Has the person's consent, whose redirect comes in, and prints the milliseconds until armed and signed in."""
    print(url, flush=True)
    redirect = sys.stdin.readline().strip()
    began = time.perf_counter()
    urllib.request.urlopen(redirect).read()
    ready()
    print(json.dumps({"armed": armed, "signed_in": (time.perf_counter() - began) * 1e3}))


def sign_in():
    """A sign-in by the widget. What would go to the front end is read here."""
    import threading

    from tokentoss import GoogleAuthWidget

    began = time.perf_counter()
    widget = GoogleAuthWidget()
    armed, signed_in, message = threading.Event(), threading.Event(), {}

    def receive(m):
        if m["type"] == "armed":
            message.update(m)
            armed.set()
        elif m.get("phase") == "signed_in":
            signed_in.set()

    widget.auth_manager._session.attach(receive)
    widget._repr_mimebundle_()
    armed.wait()
    exchange(signed_in.wait, message["auth_url"], (time.perf_counter() - began) * 1e3)


def sign_in_earlier(client):
    """The same with the earlier package. Its front end asks the kernel only when the window has closed, which is not in
    the figure."""
    from tokentoss import GoogleAuthWidget, MemoryStorage

    began = time.perf_counter()
    widget = GoogleAuthWidget(client_secrets_path=client, storage=MemoryStorage())
    widget.prepare_auth()

    def ready():
        widget._check_callback()
        assert widget.is_authenticated, widget.error

    exchange(ready, widget.auth_url, (time.perf_counter() - began) * 1e3)


globals()[sys.argv[1]](*sys.argv[2:])
