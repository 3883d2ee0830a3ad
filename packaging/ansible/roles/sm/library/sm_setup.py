#!/usr/bin/python
# -*- coding: utf-8 -*-
# SPDX-License-Identifier: MIT

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: sm_setup
short_description: Allow accounts to use sm-helper, and install its site policy
description:
  - Runs C(sm setup-sudo), C(sm setup-broker) and C(sm policy), which do nothing where all is as it
    should be. For the role C(sm).
  - Needs root on the host, and C(/usr/local/bin/sm) there.
  - In check mode, what C(--check) finds is what would be changed. A host that does not have the
    program yet would be changed.
options:
  what:
    description: What to set up.
    type: str
    choices: [sudo, broker, policy]
    required: true
  state:
    description:
      - C(absent) removes every drop-in that C(sm setup-sudo) made for
        C(/usr/local/bin/sm-helper), the broker as a whole, or the site policy.
    type: str
    choices: [present, absent]
    default: present
  users:
    description: The accounts, for I(what=sudo), which needs one here or in I(groups), and I(what=broker).
    type: list
    elements: str
    default: []
  groups:
    description: The groups, for I(what=sudo).
    type: list
    elements: str
    default: []
  policy:
    description: The text of the site policy.
    type: str
author: the maintainers of sm
"""

EXAMPLES = r"""
- name: Allow the agent to use the helper through sudo
  sm_setup:
    what: sudo
    users: [agent]
"""

RETURN = r"""
replies:
  description: What C(sm --json) answered, one for each call.
  returned: always
  type: list
  elements: dict
"""

import errno
import glob
import io
import json
import os

from ansible.module_utils.basic import AnsibleModule

SM = "/usr/local/bin/sm"
HELPER = "/usr/local/bin/sm-helper"
POLICY = "/etc/sm/policy.toml"
# What there is where the broker is set up: copies of its units, or the link to those of a package.
UNITS = [
    "/etc/systemd/system/sm.socket",
    "/etc/systemd/system/sm-broker.service",
    "/etc/systemd/system/sockets.target.wants/sm.socket",
]
# The first line of what `sm setup-sudo` makes.
MARK = "# Made by sm setup-sudo"


class Setup:
    def __init__(self, module):
        self.module = module
        self.replies = []
        self.changed = False
        self.diff = []

    def call(self, arguments, expected=(0,), **more):
        """What `sm ARGUMENTS --json` exits with and answers; the end, where it is not as expected."""
        rc, out, err = self.module.run_command([SM] + arguments + ["--json"], **more)
        try:
            reply = json.loads(out)
        except ValueError:
            reply = {"error": (err or out).strip()}
        self.replies.append(reply)
        if rc not in expected:
            self.refused(reply, rc)
        for warning in reply.get("warnings", []):
            self.module.warn(warning)
        return rc, reply

    def refused(self, reply, rc):
        msg = reply.get("error") or "sm gave no answer"
        if reply.get("hint"):
            msg += " (" + reply["hint"] + ")"
        self.module.fail_json(msg=msg, rc=rc, replies=self.replies, changed=self.changed)

    def not_yet(self):
        """Whether there is no program to ask, which is so in check mode only."""
        if os.path.exists(SM):
            return False
        if not self.module.check_mode:
            self.module.fail_json(msg=SM + " is not installed on this host", replies=[])
        return True

    def sudo(self, users, groups):
        whom = ["--user=" + user for user in users] + ["--group=" + group for group in groups]
        if not whom:
            self.module.fail_json(msg="name who may use the helper: users or groups", replies=[])
        if self.not_yet():
            self.changed = True
            return
        for each in whom:
            rc, found = self.call(["setup-sudo", each, "--check"], (0, 1))
            if rc == 0:
                continue
            # Where it is in place, or somebody else's, making it anew would not help.
            if found.get("state") in (None, "in_place", "foreign"):
                self.refused(found, rc)
            self.diff.append(found.get("difference", ""))
            if not self.module.check_mode:
                self.call(["setup-sudo", each, "--keep-exact"])
            self.changed = True

    def no_sudo(self):
        for path in sorted(glob.glob("/etc/sudoers.d/sm-*")):
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            lines = read(path).splitlines()
            # A rule made by hand, or for another installation, is not ours to take away. A number
            # sign and a digit are an account.
            rules = [line for line in lines if not line.startswith("#") or line[1:2].isdigit()]
            words = " ".join(rules).replace(",", " ").split()
            programs = {word for word in words if word.startswith("/")}
            if not lines or not lines[0].startswith(MARK) or programs != {HELPER}:
                continue
            self.changed = True
            if not self.module.check_mode:
                os.unlink(path)

    def broker(self, users):
        if self.not_yet():
            self.changed = True
            return
        whom = ["--user=" + user for user in users]
        rc, found = self.call(["setup-broker", "--check"] + whom, (0, 1))
        if rc == 0:
            return
        self.diff.append(found.get("error", "") + "\n")
        if self.module.check_mode:
            self.changed = True
        else:
            self.changed = self.call(["setup-broker"] + whom)[1].get("changed", True)
            # What it does not mend, such as a drop-in of somebody's for the unit, is said now.
            self.call(["setup-broker", "--check"] + whom)

    def no_broker(self):
        if not any(os.path.lexists(unit) for unit in UNITS):
            return
        if not self.module.check_mode and not self.not_yet():
            self.call(["setup-broker", "--remove"])
        self.changed = True

    def policy(self, text):
        before = read(POLICY)
        differs = before != text
        # Of a link the owner and the mode say nothing; whether it is believed is for sm to say.
        exposed = not differs and not os.path.islink(POLICY) and mode_of(POLICY) != (0, 0, 0o644)
        if differs:
            self.diff.append({"before": before or "", "after": text,
                              "before_header": POLICY, "after_header": POLICY})
        if differs and not self.not_yet():
            self.call(["policy", "check", "/dev/stdin"], data=text, binary_data=True)
        if self.module.check_mode:
            self.changed = differs or exposed
            return
        if differs:
            # As visudo does it: checked against what is compiled in, and put in place whole.
            # The editor is what writes the new text into the copy.
            editor = {"VISUAL": "/bin/cp /dev/stdin"}
            self.call(["policy", "edit"], data=text, binary_data=True, environ_update=editor)
        elif exposed:
            os.chown(POLICY, 0, 0)
            os.chmod(POLICY, 0o644)
        self.changed = differs or exposed
        # In its place it has to be believed too.
        self.call(["policy", "check", POLICY])

    def no_policy(self):
        if os.path.lexists(POLICY):
            self.changed = True
            if not self.module.check_mode:
                os.unlink(POLICY)


def read(path):
    """The text of a file; none where there is no such file."""
    try:
        with io.open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except IOError as error:
        if error.errno != errno.ENOENT:
            raise
        return None


def mode_of(path):
    data = os.lstat(path)
    return data.st_uid, data.st_gid, data.st_mode & 0o7777


def main():
    module = AnsibleModule(
        argument_spec=dict(
            what=dict(type="str", required=True, choices=["sudo", "broker", "policy"]),
            state=dict(type="str", default="present", choices=["present", "absent"]),
            users=dict(type="list", elements="str", default=[]),
            groups=dict(type="list", elements="str", default=[]),
            policy=dict(type="str"),
        ),
        supports_check_mode=True,
    )
    setup = Setup(module)
    asked = module.params
    if asked["what"] == "policy" and asked["state"] == "present" and asked["policy"] is None:
        module.fail_json(msg="policy is missing: the text of the site policy")
    if asked["state"] == "absent":
        {"sudo": setup.no_sudo, "broker": setup.no_broker, "policy": setup.no_policy}[asked["what"]]()
    elif asked["what"] == "sudo":
        setup.sudo(asked["users"], asked["groups"])
    elif asked["what"] == "broker":
        setup.broker(asked["users"])
    else:
        setup.policy(asked["policy"])

    result = dict(changed=setup.changed, replies=setup.replies)
    if setup.diff:
        result["diff"] = [each if isinstance(each, dict) else {"prepared": each} for each in setup.diff]
    module.exit_json(**result)


if __name__ == "__main__":
    main()
