#!/usr/bin/python3 -S
"""In the place of sm-helper where the protocol is tested: it answers as it does, and runs nothing.

What it was asked stands in `asked`. `service restart slow.service` runs until there is a file `done`.
As `sm` it answers for the hosts of a fleet, one of which is silent until there is a file `alive`.
"""
import json
import os
import subprocess
import sys
import time

folder = os.path.dirname(os.path.abspath(__file__))
words = [word for word in sys.argv[1:] if not word.startswith("--")]
flags = dict(word[2:].split("=", 1) if "=" in word else (word[2:], True) for word in sys.argv[1:] if word.startswith("--"))
with open(f"{folder}/asked", "a") as asked:
    asked.write(" ".join(sys.argv[1:]) + "\n")


def reply(code, **more):
    success = code in ("ok", "started")
    print(json.dumps({"schema": 1, "success": success, "code": code, "request_id": "r-1", **more}))
    sys.exit(0 if success else 1)


def there(name):
    return os.path.exists(f"{folder}/{name}")


def tool(names, **more):
    name = {"type": "string", "enum": names, "description": "The unit."}
    properties = {"reason": {"type": ["string", "null"]}, "dry_run": {"type": ["boolean", "null"]}, **more}
    if names:
        properties["name"] = name
    return {"title": "x", "description": "Does it.", "type": "object", "properties": properties,
            "required": ["name"] if names else [], "additionalProperties": False}


def of_conformance():
    seconds = {"seconds": {"type": ["integer", "null"]}, "label": {"type": ["string", "null"]}}
    return {"greet": ("service greet status", tool(["Ada"])),
            "slow_compute": ("service compute", tool([], **seconds)), "failing_job": ("service fail", tool([], **seconds)),
            "test_error_handling": ("service status", tool([])), "test_trigger_tool_change": ("service change", tool([]))}


def ran(action):
    if words[2] == "slow.service":
        while not there("done"):
            time.sleep(0.01)
    unit = {"active_state": "active"}
    reply("ok" if words[2] != "bad.service" else "denied", operation={"kind": "service", "action": action, "name": words[2]},
          stdout="ActiveState=active\n", stderr="", returncode=0, unit=unit)


def fleet():
    if words[1] == "list":
        hosts = [{"host": name, "offline": name == "off"} for name in ("two", "one", "off", "silent", "x:y")]
        print(json.dumps({"success": True, "code": "ok", "hosts": hosts}))
        return
    host = flags["limit"]
    if host == "silent":
        while not there("alive"):
            time.sleep(0.01)
    row = {"host": host, "status": "unreachable", "code": "unreachable", "error": "it does not answer", "hint": "look whether it is up"}
    if not there(f"{host}.gone"):
        request = sys.argv[sys.argv.index("--") + 1:]
        done = subprocess.run([f"{folder}/sm-helper", *request], stdout=subprocess.PIPE)
        answer = json.loads(done.stdout)
        row = {"host": host, "status": "done", "code": answer["code"], "reply": answer}
    print(json.dumps({"success": row["code"] == "ok", "code": "ok", "hosts": [row]}))


if os.path.basename(sys.argv[0]) == "sm":
    fleet()
elif words == ["list"]:
    if there("broken"):
        reply("policy_invalid", error="the policy is broken", hint="repair it")
    names = ["a.service", "slow.service"] + (["b.service"] if there("more") else [])
    tools = {"service_restart": ("service restart", tool(names)), "service_status": ("service status", tool(names))}
    if there("conformance"):
        tools |= of_conformance()
    if not there("old"):
        identity = {"request_id": {"type": "string"}, "wait": {"type": ["integer", "null"]}}
        tools["request_result"] = ("result", {**tool([], **identity), "required": ["request_id"]})
        tools["request_list"] = ("result", tool([]))
    reply("ok", operations={key: tool[0] for key, tool in tools.items()}, **{"$defs": {key: tool[1] for key, tool in tools.items()}})
elif there("conformance") and words[1] in ("greet", "compute", "fail", "change"):
    # What the conformance suite wants of the tools that it knows by their names.
    if words[1] == "change":
        open(f"{folder}/more", "w").close()
    if words[1] in ("greet", "change"):
        reply("ok", stdout="Hello, " + words[-1])
    end = time.time() + int(flags.get("seconds", 1)) + 1
    code = "command_failed" if words[1] == "fail" else "ok"
    reply("started", running=True, request_id=f"r-{end}-{code}")
elif words[0] == "result" and len(words) > 1 and words[1].count("-") == 2:
    _, end, code = words[1].split("-")
    left = float(end) - time.time()
    time.sleep(max(0, min(left, int(flags.get("wait", 0)))))
    # Whoever asks first finds it running, however late this machine lets it ask.
    running = left > 0 or not there(words[1])
    open(f"{folder}/{words[1]}", "w").close()
    reply("started" if running else code, running=running, request_id=words[1])
elif words[0] == "result" and not there("old"):
    if len(words) == 1:
        reply("ok", requests=[])
    if not 1 <= int(flags.get("wait", 1)) <= 3600:
        reply("invalid_argument", error="--wait takes a whole number from 1 to 3600")
    if words[1] != "r-1":
        reply("not_found", error="there is no such request")
    end = time.monotonic() + int(flags.get("wait", 0))
    while not there("done"):
        if time.monotonic() >= end:
            reply("started", running=True, stdout="so far", progress={"done": 3, "of": 7, "step": "Unpacking"})
        time.sleep(0.01)
    reply("ok", changed=True, stdout="all of it")
elif "no-wait" in flags and there("old"):
    reply("usage", error="unexpected argument '--no-wait' found")
elif "no-wait" in flags:
    if words[2] == "stuck.service":
        while not there("done"):
            time.sleep(0.01)
    if words[2] == "bad.service":
        reply("denied", error="bad.service is not allowed", hint="sm-helper list shows what is")
    reply("started", running=True)
else:
    ran(words[1])
