"""Sends calls with segment-analytics-python: python.py HOST WRITE_KEY N. They are those of calls.js."""

import datetime
import json
import sys

from segment.analytics.client import Client

host, write_key, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
epoch = datetime.datetime(2026, 1, 15, 10, 0, 0, 7000, tzinfo=datetime.timezone.utc)
result = {"delivered": 0, "failed": 0, "errors": []}


def on_error(error, batch):
    result["failed"] += len(batch)
    result["errors"] = (result["errors"] + [str(error)])[:5]


def send(client, kind, i):
    more = {"context": {"client": {"n": i, "type": kind}}}
    if i % 2:
        more["timestamp"] = epoch + datetime.timedelta(seconds=i)
    values = {"n": i, "price": i + 0.5, "name_of": "Zoë", "tags": ["a", i]}
    user = "u%d" % (i % 50)
    if kind == "identify":
        client.identify(user, values, **more)
    elif kind == "track":
        client.track(user, "Client Tracked", values, **more)
    elif kind == "page":
        client.page(user, "Docs", "Page %d" % (i % 10), values, **more)
    elif kind == "screen":
        client.screen(user, None, "Screen %d" % (i % 10), values, **more)
    elif kind == "group":
        client.group(user, "g%d" % (i % 20), values, **more)
    else:
        client.alias("before%d" % i, "now%d" % i, **more)


for gzip in (False, True):
    client = Client(write_key, host=host, gzip=gzip, on_error=on_error, upload_size=50, max_queue_size=10 * n)
    for i in range(n):
        if (i // 10 % 2 == 1) == gzip:
            for kind in ("identify", "track", "page", "screen", "group", "alias"):
                send(client, kind, i)
    client.flush()
    client.shutdown()

result["delivered"] = 6 * n - result["failed"]
print(json.dumps(result))
