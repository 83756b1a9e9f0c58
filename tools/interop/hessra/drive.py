"""Answers questions about hessra-py, a line of JSON each: {"client": {…}, "call": "method", "args": […]}."""

import json
import sys
import time

from hessra_py import HessraClient, HessraConfig

PEMS = ("mtls_cert", "mtls_key", "server_ca", "public_key", "personal_keypair")


def client_of(settings):
    builder = HessraConfig.builder().base_url(settings["base_url"]).port(settings["port"]).protocol("http1")
    for name in PEMS:
        if settings.get(name):
            builder = getattr(builder, name)(settings[name])
    client = HessraClient(builder.build())
    return client.setup_new() if settings.get("setup") else client


def said(value):
    if hasattr(value, "response_msg"):
        return {name: getattr(value, name) for name in ("response_msg", "token", "expires_in", "identity")}
    return value


def timed(call, args, count):
    """Microseconds of one call; how many of them were refused, as the crate gives up after 1 ms."""
    refused = 0
    start = time.perf_counter()
    for index in range(count):
        try:
            call(*args[index % len(args)])
        except Exception:
            refused += 1
    return {"us": (time.perf_counter() - start) / count * 1e6, "refused": refused}


for line in sys.stdin:
    question = json.loads(line)
    try:
        call = getattr(client_of(question["client"]), question["call"])
        count = question.get("count")
        answer = {"ok": said(call(*question["args"])) if count is None else timed(call, question["args"], count)}
    except Exception as error:  # What it says is what is looked at.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
