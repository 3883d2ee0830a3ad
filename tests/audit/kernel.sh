#!/bin/bash
# The kernel's audit log, with real auditd: not in a host, from which the kernel hides it, but on
# this machine, in a mount namespace of its own. Where the machine has an auditd already, that one
# stays as it is and its log is read: the kernel has one audit. Arguments: the program to try.
set -euo pipefail

if [[ ${1-} != --inside ]]; then
    for tool in auditd auditctl ausearch; do
        command -v "$tool" >/dev/null || { echo "$tool is missing: install the package auditd (tests/run does)" >&2; exit 1; }
    done
    # One of these at a time.
    exec 9>/run/lock/sm-audit-test
    flock 9
    exec unshare --mount --propagation private -- "$0" --inside "$1"
fi
program=$2

dir=$(mktemp -d)
status() { auditctl -s | sed -n "s/^$1 //p"; }
enabled=$(status enabled)
backlog=$(status backlog_limit)
other=$(status pid)
[[ $enabled != 2 ]] || { echo "the rules of this machine's audit are locked until its next start (auditctl -e 2)" >&2; exit 1; }
# Whose rules were there before keeps them.
before=$(auditctl -l)
keys=()
for key in sm-exec sm-config sm-log; do
    grep -qF -- "$key" <<<"$before" || keys+=("$key")
done
end() {
    auditctl -W "$dir/bin/sm-helper" -p x -k sm-exec >/dev/null 2>&1 || true
    for key in "${keys[@]}"; do auditctl -D -k "$key" >/dev/null 2>&1 || true; done
    auditctl -e "$enabled" >/dev/null 2>&1 || true
    auditctl -b "$backlog" >/dev/null 2>&1 || true
    # Not waited for without a bound: it may hold on for its plugins.
    if [[ -n ${auditd-} ]]; then
        kill "$auditd" 2>/dev/null || true
        for ((i = 0; i < 40; i++)); do
            kill -0 "$auditd" 2>/dev/null || break
            sleep 0.05
        done
        kill -KILL "$auditd" 2>/dev/null || true
    fi
    cd / && umount -l "$dir" && rmdir "$dir"
}
trap end EXIT
mount -t tmpfs -o mode=0755 tmpfs "$dir"
mkdir -m 0755 "$dir"/{bin,conf,log}
install -m 0755 "$program" "$dir/bin/sm"
install -m 0755 "$program" "$dir/bin/sm-helper"
# What sm writes goes to folders of this namespace.
for each in /var/log /var/lib /run; do
    mount -t tmpfs -o mode=0755 tmpfs "$each"
done
mkdir "$dir/etc" "$dir/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$dir/etc,workdir=$dir/work" overlay /etc
mkdir -p /etc/sudoers.d

if [[ $other == 0 ]]; then
    audit_log=$dir/log/audit.log
    sed -e "s#^log_file.*#log_file = $audit_log#" -e 's/^log_format.*/log_format = RAW/' -e 's/^flush.*/flush = SYNC/' \
        /etc/audit/auditd.conf >"$dir/conf/auditd.conf"
    chmod 0640 "$dir/conf/auditd.conf"
    auditd -n -c "$dir/conf" >"$dir/log/out" 2>&1 9>&- &
    auditd=$!
    for ((i = 0; i < 1200; i++)); do
        [[ $(status pid) == "$auditd" ]] && break
        sleep 0.05
    done
else
    # The log file is where its configuration says, and both are where it sees them.
    folder=$(tr '\0' '\n' <"/proc/$other/cmdline" | sed -n '/^-c$/{n;p;}')
    log_file=$(sed -n 's/^log_file *= *//p' "/proc/$other/root${folder:-/etc/audit}/auditd.conf")
    audit_log=/proc/$other/root$log_file
fi
# The kernel drops what it has no room for while auditd waits for a busy disk, and throwaway hosts have
# their accounts come and go in the same log.
((backlog >= 65536)) || auditctl -b 65536 >/dev/null
auditctl -e 1 >/dev/null || { cat "$dir/log/out" >&2; exit 1; }

# found WORD ARGUMENT...: the first line with WORD of what ausearch finds.
found() {
    local word=$1 text
    shift
    for ((i = 0; i < 1200; i++)); do
        # Records of an earlier run may be there before ours.
        text=$(ausearch -if "$audit_log" "$@" </dev/null 2>/dev/null) || true
        if grep -m 1 -F -- "$word" <<<"$text"; then return; fi
        sleep 0.05
    done
    echo "ausearch $* finds no $word; the log is:" >&2
    tail -n 20 "$audit_log" >&2
    exit 1
}

echo '== a refusal is found'
reply=$("$dir/bin/sm-helper" service restart nope) && exit 1
id=$(sed 's/.*"request_id":"\([^"]*\)".*/\1/' <<<"$reply")
found "request_id=$id" --message USER_CMD | grep -F 'sm_code=denied'

echo '== the rules are loaded, and say who ran the helper and who changed the configuration'
"$dir/bin/sm" audit setup
auditctl -l
for key in sm-exec sm-config sm-log; do auditctl -l | grep -qF -- "$key"; done
"$dir/bin/sm-helper" version >/dev/null
found "$dir/bin/sm-helper" --key sm-exec
somebody=/etc/sudoers.d/sm-somebody-$$
# The kernel records nothing of a process that was there before its audit was on for the first time.
bash -c 'echo "# nothing" >"$1"' bash "$somebody"
found "$somebody" --key sm-config
found sm-log --key sm-log
"$dir/bin/sm" audit setup | grep -F already
echo '== all found'
