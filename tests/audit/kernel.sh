#!/bin/bash
# The kernel's audit log, with real auditd: not in a host, from which the kernel hides it, but on
# this machine, in a mount namespace of its own. Arguments: the program to try.
set -euo pipefail

if [[ ${1-} != --inside ]]; then
    for tool in auditd auditctl ausearch; do
        command -v "$tool" >/dev/null || { echo "$tool is missing: install the package auditd (tests/run does)" >&2; exit 1; }
    done
    [[ $(auditctl -s | sed -n 's/^pid //p') == 0 ]] || { echo "another auditd runs on this machine; this needs the kernel's audit to itself" >&2; exit 1; }
    exec unshare --mount --propagation private -- "$0" --inside "$1"
fi
program=$2

dir=$(mktemp -d)
enabled=$(auditctl -s | sed -n 's/^enabled //p')
end() {
    auditctl -D >/dev/null 2>&1 || true
    auditctl -e "$enabled" >/dev/null 2>&1 || true
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

sed -e "s#^log_file.*#log_file = $dir/log/audit.log#" -e 's/^log_format.*/log_format = RAW/' -e 's/^flush.*/flush = SYNC/' \
    /etc/audit/auditd.conf >"$dir/conf/auditd.conf"
chmod 0640 "$dir/conf/auditd.conf"
auditd -n -c "$dir/conf" >"$dir/log/out" 2>&1 &
auditd=$!
for ((i = 0; i < 100; i++)); do
    [[ $(auditctl -s | sed -n 's/^pid //p') == "$auditd" ]] && break
    sleep 0.05
done
auditctl -e 1 >/dev/null || { cat "$dir/log/out" >&2; exit 1; }

found() {
    for ((i = 0; i < 100; i++)); do
        if ausearch -if "$dir/log/audit.log" "$@" 2>/dev/null; then return; fi
        sleep 0.05
    done
    echo "ausearch $* finds nothing; the log is:" >&2
    tail -n 20 "$dir"/log/* >&2
    exit 1
}

echo '== a refusal is found'
reply=$("$dir/bin/sm-helper" service restart nope) && exit 1
id=$(sed 's/.*"request_id":"\([^"]*\)".*/\1/' <<<"$reply")
found --message USER_CMD | grep -F "request_id=$id" | grep -F 'sm_code=denied'

echo '== the rules are loaded, and say who ran the helper and who changed the configuration'
"$dir/bin/sm" audit setup
auditctl -l
for key in sm-exec sm-config sm-log; do auditctl -l | grep -qF -- "$key"; done
"$dir/bin/sm-helper" version >/dev/null
found --key sm-exec | grep -F sm-helper | head -n 1
echo '# nothing' >/etc/sudoers.d/sm-somebody
found --key sm-config | grep -F sm-somebody | head -n 1
found --key sm-log | head -n 1
"$dir/bin/sm" audit setup | grep -F already
echo '== all found'
