#!/usr/bin/env python3
"""What Ansible itself makes of inventories: the oracle for tests/fleet/inventory/good.

    oracle.py FOLDER            one JSON object: file name to what Ansible says
    oracle.py --write FOLDER    the same, each beside its inventory

Each FOLDER/*.yml and *.ini is read by Ansible's own inventory manager, and the options of its ssh
connection are asked for each host. A line "# limit: PATTERN" asks whom --limit PATTERN means.
Needs ansible-core; reads nothing else than the folder.
"""

import glob
import json
import os
import sys
import tempfile

settings = tempfile.NamedTemporaryFile(suffix=".cfg")
os.environ.update(ANSIBLE_CONFIG=settings.name, ANSIBLE_LOCALHOST_WARNING="0", ANSIBLE_NOCOLOR="1",
                  ANSIBLE_INVENTORY_UNPARSED_WARNING="0", HOME="/home/joe")

from ansible.inventory.manager import InventoryManager  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.playbook.play_context import PlayContext  # noqa: E402
from ansible.plugins import loader as plugins  # noqa: E402
from ansible.utils.display import Display  # noqa: E402
from ansible.vars.manager import VariableManager  # noqa: E402

ENDS = (".yml", ".ini")
OPTIONS = {"address": "host", "port": "port", "user": "remote_user", "identity": "private_key_file"}


def connection(variables):
    plugin = plugins.connection_loader.get("ssh", PlayContext(), "/dev/null")
    plugin.set_options(var_options=variables)
    found = {name: plugin.get_option(option) for name, option in OPTIONS.items()}
    if found["identity"]:
        found["identity"] = os.path.expanduser(found["identity"])
    # ansible/plugins/connection/ssh.py leaves out what is empty.
    return {name: str(value) if isinstance(value, str) and value else
            (int(value) if isinstance(value, int) else None) for name, value in found.items()}


def read(path):
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[path])
    variables = VariableManager(loader=loader, inventory=inventory)
    if not inventory._inventory.processed_sources:
        return {"error": True}
    hosts = {}
    for host in inventory.get_hosts("all"):
        of_host = dict(variables.get_vars(host=host, include_hostvars=False, stage="all"))
        of_host["inventory_hostname"] = host.name
        hosts[str(host.name)] = connection(of_host)
    limits = {}
    with open(path, encoding="utf-8") as text:
        for line in text:
            if line.startswith("# limit: "):
                pattern = line[len("# limit: "):].rstrip("\n")
                inventory.subset(pattern)
                try:
                    meant = sorted(str(host.name) for host in inventory.get_hosts("all"))
                except Exception:  # noqa: BLE001 (whatever it is, it matches no host)
                    meant = []
                inventory.subset(None)
                limits[pattern] = meant
    return {"hosts": hosts, "limits": limits}


def main():
    write = sys.argv[1] == "--write"
    folder = sys.argv[-1]
    # ansible-core before 2.15 does that by itself.
    getattr(plugins, "init_plugin_loader", lambda: None)()
    Display().display = lambda *_, **__: None
    said = {}
    paths = [path for end in ENDS for path in glob.glob(os.path.join(folder, "*" + end))]
    for path in sorted(paths):
        said[os.path.basename(path)] = read(path)
    if not write:
        print(json.dumps(said, indent=2, sort_keys=True, ensure_ascii=False))
        return
    for name, one in said.items():
        with open(os.path.join(folder, os.path.splitext(name)[0] + ".json"), "w", encoding="utf-8") as out:
            json.dump(one, out, indent=2, sort_keys=True, ensure_ascii=False)
            out.write("\n")


main()
