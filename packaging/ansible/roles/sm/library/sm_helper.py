#!/usr/bin/python
# -*- coding: utf-8 -*-
# SPDX-License-Identifier: MIT

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: sm_helper
short_description: Make a request to sm-helper, with the reply as facts
description:
  - Runs C(/usr/local/bin/sm-helper), or a package's C(/usr/bin/sm-helper), as the account that
    logs in, without C(become) and without a shell; the helper gets root by itself, for what the
    policy allows.
  - The task is C(changed) where the reply says so, and fails where the operation did not succeed.
  - In check mode the helper is asked with C(--dry-run), so a refusal is a failure there too.
    What would be changed is then seen by looking, with C(service status) or C(package plan);
    where the account may not look, a change is predicted.
options:
  service:
    description: The unit that I(action) is for.
    type: str
  package:
    description: The package that I(action) is for.
    type: str
  task:
    description: The task of the policy that is run. It takes no I(action).
    type: str
  action:
    description:
      - C(start), C(stop), C(restart), C(reload), C(enable), C(disable), C(reset-failed), C(status) or C(logs) of a
        service; C(install), C(remove) or C(upgrade) of a package.
    type: str
  argv:
    description: The arguments of the helper, for what the other options cannot express.
    type: list
    elements: str
  reason:
    description: The reason, for the audit record.
    type: str
  timeout:
    description: Give up after this many seconds; can only lower the policy's timeout.
    type: int
  via:
    description: The route to root.
    type: str
    choices: [auto, socket, sudo]
    default: auto
author: the maintainers of sm
"""

EXAMPLES = r"""
- name: Restart nginx
  sm_helper:
    service: nginx
    action: restart
    reason: deploy of 1.4

- name: Run the task deploy of the policy
  sm_helper:
    task: deploy
    reason: release 1.4

- name: Refresh the package lists
  sm_helper:
    argv: [package, update]

- name: Wait for other work on the packages to end
  sm_helper:
    package: git
    action: install
  register: git
  until: git.reply.code is defined and git.reply.code != 'busy'
  retries: 5
"""

RETURN = r"""
reply:
  description: The helper's reply, unchanged; also the fact C(ansible_facts.sm_helper).
  returned: when there was one
  type: dict
  sample: {"schema": 1, "success": true, "code": "ok", "changed": true}
looked:
  description: The reply from which C(changed) was predicted.
  returned: in check mode, where the account may look
  type: dict
cmd:
  description: The command line.
  returned: always
  type: list
  elements: str
"""

import json
import os

from ansible.module_utils.basic import AnsibleModule

# The role's, else a package's.
PLACES = ["/usr/local/bin/sm-helper", "/usr/bin/sm-helper"]
HELPER = next((place for place in PLACES if os.path.exists(place)), PLACES[0])


def ask(module, arguments):
    """The command line, and the helper's one reply; the end, where there is none."""
    cmd = [HELPER] + arguments
    rc, out, err = module.run_command(cmd)
    try:
        reply = json.loads(out)
        if not isinstance(reply, dict) or "code" not in reply:
            raise ValueError("not a reply")
    except ValueError:
        module.fail_json(msg="sm-helper gave no reply", cmd=cmd, rc=rc, stdout=out, stderr=err)
    return cmd, reply


def foretell(module, words, ways):
    """Whether the operation would change something, and the reply that says so."""
    if words[:2] == ["package", "plan"] or words[:1] in (["list"], ["version"]):
        return False, None
    kind, action = (words + ["", ""])[:2]
    if kind == "service" and action in ("status", "logs"):
        return False, None
    known = ("start", "stop", "enable", "disable", "reset-failed")
    if kind == "service" and len(words) == 3 and action in known:
        reply = ask(module, ways + ["service", "status", "--", words[2]])[1]
        unit = reply.get("unit") or {}
        active, file = unit.get("active_state"), unit.get("unit_file_state")
        already = {
            "start": active == "active",
            "stop": active in ("inactive", "failed"),
            "enable": file == "enabled",
            "disable": file == "disabled",
            "reset-failed": active != "failed",
        }
        return not already[action], reply
    if kind == "package" and action in ("install", "remove", "upgrade", "autoremove"):
        reply = ask(module, ways + ["package", "plan"] + words[1:2] + ["--"] + words[2:])[1]
        if reply["code"] == "plan_refused":
            refused(module, reply)
        plan = reply.get("plan")
        return plan is None or any(plan.values()), reply
    return True, None


def refused(module, reply, **more):
    msg = "{0}: {1}".format(reply["code"], reply.get("error", "it did not succeed"))
    if reply.get("hint"):
        msg += " ({0})".format(reply["hint"])
    facts = dict(sm_helper=reply)
    module.fail_json(msg=msg, reply=reply, ansible_facts=facts, changed=bool(reply.get("changed")), **more)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            service=dict(type="str"),
            package=dict(type="str"),
            task=dict(type="str"),
            action=dict(type="str"),
            argv=dict(type="list", elements="str"),
            reason=dict(type="str"),
            timeout=dict(type="int"),
            via=dict(type="str", default="auto", choices=["auto", "socket", "sudo"]),
        ),
        mutually_exclusive=[("service", "package", "task", "argv"), ("action", "argv"), ("action", "task")],
        required_one_of=[("service", "package", "task", "argv")],
        required_by=dict(service="action", package="action"),
        supports_check_mode=True,
    )
    asked = module.params
    if not os.path.exists(HELPER):
        if module.check_mode:
            module.exit_json(skipped=True, msg=HELPER + " is not installed yet, so nothing was asked")
        module.fail_json(msg=HELPER + " is not installed on this host; the role sm installs it")

    words = asked["argv"]
    if words is None:
        kind = next(kind for kind in ("service", "package", "task") if asked[kind] is not None)
        action = "run" if kind == "task" else asked["action"]
        # What is a name is no flag, whatever it is.
        words = [kind, action, "--", asked[kind]]
    ways = ["--via=" + asked["via"]]
    flags = list(ways)
    if asked["reason"] is not None:
        flags.append("--reason=" + asked["reason"])
    if asked["timeout"] is not None:
        flags.append("--timeout={0}".format(asked["timeout"]))

    # Before the words, so that none of them can be taken for one of these.
    if module.check_mode and "--dry-run" not in words:
        flags.append("--dry-run")
    cmd, reply = ask(module, flags + words)
    if not reply.get("success"):
        refused(module, reply, cmd=cmd)
    result = dict(cmd=cmd, reply=reply, ansible_facts=dict(sm_helper=reply))
    result["changed"] = bool(reply.get("changed"))
    if module.check_mode:
        result["changed"], looked = foretell(module, [word for word in words if word != "--"], ways)
        if looked is not None:
            result["looked"] = looked
    for warning in reply.get("warnings", []):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
