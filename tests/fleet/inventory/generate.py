#!/usr/bin/env python3
"""Inventories as nobody would write them, to be read by Ansible and by sm.

    generate.py SEED COUNT FOLDER

Each is written as YAML and, by what that means, as INI.

Groups in groups, the same group and host in several places, the same variable at every level,
priorities, ranges, ports behind names, merge keys, and patterns for --limit. The same seed makes
the same files. Nothing is in them that sm refuses and Ansible takes.
"""

import os
import random
import re
import shlex
import sys

import yaml


def quoted(text):
    return '"%s"' % text


class Maker:
    def __init__(self, seed):
        self.any = random.Random(seed)
        self.count = 0
        self.groups = [self.any.choice(["", "g", "web", "Z_"]) + "g%d" % number
                       for number in range(self.any.randint(1, 9))]
        self.names = ["h%d" % number for number in range(1, self.any.randint(2, 12))]
        self.children = {group: set() for group in self.groups}
        self.hosts = {group: set() for group in self.groups}

    def value(self):
        self.count += 1
        return self.count

    def variables(self, of_group):
        any_, made = self.any, {}
        for name, write in (
            ("ansible_host", lambda: "a%d" % self.value()),
            ("ansible_ssh_host", lambda: "b%d" % self.value()),
            ("ansible_port", lambda: "%d" % (1000 + self.value())),
            ("ansible_ssh_port", lambda: "%d" % (2000 + self.value())),
            ("ansible_user", lambda: "u%d" % self.value()),
            ("ansible_ssh_user", lambda: "v%d" % self.value()),
            ("ansible_private_key_file", lambda: "~/k%d" % self.value()),
            ("ansible_ssh_private_key_file", lambda: "/l%d" % self.value()),
            ("color", lambda: "[%d]" % self.value()),
        ):
            if any_.random() < (0.12 if "ssh" in name else 0.3):
                made[name] = "~" if any_.random() < 0.1 else write()
        if of_group and any_.random() < 0.2:
            made["ansible_group_priority"] = str(any_.randint(-2, 12))
        entries = ["%s: %s" % entry for entry in made.items()]
        any_.shuffle(entries)
        if not of_group and any_.random() < 0.1:
            entries.append("<<: *merged")
        return "{%s}" % ", ".join(entries)

    def host(self, group):
        any_ = self.any
        kind = any_.random()
        if kind < 0.15:
            first = any_.randint(1, 6)
            key = "h[%d:%d]" % (first, first + any_.randint(0, 4))
            for number in range(first, int(key.split(":")[1][:-1]) + 1):
                self.hosts[group].add("h%d" % number)
        elif kind < 0.2:
            key = "r[%02d:%02d:%d]x[a:%s]" % (
                any_.randint(0, 3), any_.randint(4, 11), any_.randint(1, 3), any_.choice("abc"))
        else:
            key = any_.choice(self.names)
            self.hosts[group].add(key)
        if any_.random() < 0.15:
            key += ":%d" % any_.randint(1, 65535)
        return quoted(key), any_.choice(["", self.variables(False)])

    def group(self, number, depth):
        any_, parts = self.any, []
        group = self.groups[number]
        if any_.random() < 0.6:
            parts.append("vars: " + self.variables(True))
        if any_.random() < 0.7:
            made = dict(self.host(group) for _ in range(any_.randint(1, 4)))
            parts.append("hosts: {%s}" % ", ".join("%s: %s" % one for one in made.items()))
        below = range(number + 1, len(self.groups))
        if below and depth < 4 and any_.random() < 0.6:
            some = sorted(any_.sample(below, min(len(below), any_.randint(1, 3))), key=lambda _: any_.random())
            self.children[group].update(self.groups[child] for child in some)
            parts.append("children: {%s}" % ", ".join(
                "%s: %s" % (self.groups[child], self.group(child, depth + 1)) for child in some))
        any_.shuffle(parts)
        return "{%s}" % ", ".join(parts) if parts else ""

    def file(self):
        any_, top = self.any, []
        for number in range(len(self.groups)):
            if any_.random() < 0.7 or number == 0:
                top.append("%s: %s" % (self.groups[number], self.group(number, 0)))
        for name in ("all", "ungrouped"):
            if any_.random() < 0.6:
                self.hosts.setdefault(name, set())
                made = dict(self.host(name) for _ in range(any_.randint(0, 3)))
                top.append("%s: {vars: %s, hosts: {%s}}" % (
                    name, self.variables(True), ", ".join("%s: %s" % one for one in made.items())))
        any_.shuffle(top)
        top.insert(0, "anchor: {vars: &merged {ansible_user: merged, ansible_port: 7}}")
        known = sorted(set().union(*self.hosts.values()))
        written = [name.split(":")[0] for name in top]
        groups = [group for group in self.groups
                  if group in written or any(group in some for some in self.children.values())]
        lines = ["# limit: " + self.pattern(groups, known) for _ in range(8)]
        return "\n".join(lines + top) + "\n"

    def pattern(self, groups, known):
        any_ = self.any

        def term():
            kind = any_.random()
            if kind < 0.3 and known:
                return any_.choice(known)
            if kind < 0.45 and known:
                name = any_.choice(known)
                return any_.choice([name[:1] + "*", "*" + name[-1:], name[:-1] + "?", "[gh]*", "*[!%s]*" % name[-1]])
            group = any_.choice(groups + ["all"])
            # Below grandchildren Ansible's order is not the same each time.
            flat = group != "all" and not any(self.children[child] for child in self.children[group])
            if kind < 0.6 and flat:
                return group + any_.choice(["[0]", "[-1]", "[0:1]", "[0:]", "[0-2]"])
            return group

        terms = [any_.choice(["", "", "&", "!"]) + term() for _ in range(any_.randint(1, 4))]
        return any_.choice([":", ","]).join(terms)


def literal(value):
    """What an INI inventory reads as this value: its values are literals of Python."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z~/][\w./~-]*", value):
        return value
    return repr(value)


def ini(text):
    """The same inventory as INI, its sections in the order in which YAML has the groups."""
    lines = [line for line in text.splitlines() if line.startswith("# limit: ")]

    def group(name, parts):
        for part, entries in (parts or {}).items():
            entries = entries or {}
            if part == "vars":
                lines.append("[%s:vars]" % name)
                lines.extend("%s = %s" % (key, literal(value)) for key, value in entries.items())
            elif part == "hosts":
                lines.append("[%s]" % name)
                for host, variables in entries.items():
                    words = ["%s=%s" % (key, literal(value)) for key, value in (variables or {}).items()]
                    lines.append(" ".join(shlex.quote(word) for word in [str(host)] + words))
            elif part == "children":
                lines.append("[%s:children]" % name)
                lines.extend(entries)
                for child, below in entries.items():
                    group(child, below)
        # Variables alone make no group.
        if "hosts" not in (parts or {}):
            lines.append("[%s]" % name)

    for name, parts in yaml.safe_load(text).items():
        group(name, parts)
    return "\n".join(lines) + "\n"


def main():
    seed, count, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    for number in range(count):
        text = Maker(seed * 1_000_003 + number).file()
        for end, made in (("yml", text), ("ini", ini(text))):
            name = "%06d_%04d.%s" % (seed, number, end)
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(made)


main()
