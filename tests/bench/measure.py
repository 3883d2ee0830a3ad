"""Measures, inside of the host that `tests/bench/run` has made ready: as root, which starts one
process for each account that asks. Each of these starts commands and takes the time."""
import json, os, pwd, sys
from time import perf_counter

ROUNDS = int(sys.argv[1])
PLOT = sys.argv[2] if len(sys.argv) > 2 else None
SUDO, HELPER = '/usr/bin/sudo -n ', '/usr/local/bin/sm-helper '
BASE = 'sudo -n systemctl status nginx'
# What is measured, its exit status, and the most that its ratio may be. Absolute paths, so that
# nobody searches.
COMMANDS = {
    BASE: (SUDO + '/usr/bin/systemctl status nginx', 0, None),
    'sudo -n sm-helper service status nginx': (SUDO + HELPER + 'service status nginx', 0, 1.08),
    'sm-helper --via sudo service status nginx': (HELPER + '--via sudo service status nginx', 0, 1.20),
    'sm-helper --via socket service status nginx': (HELPER + '--via socket service status nginx', 0, 0.75),
    'refused: sm-helper --via socket service restart dbus': (HELPER + '--via socket service restart dbus', 3, 0.30),
    'refused: sudo -n sm-helper service restart dbus': (SUDO + HELPER + 'service restart dbus', 3, 0.70),
    'sm-helper --dry-run service status nginx': (HELPER + '--dry-run service status nginx', 0, None),
    'sm-helper version': (HELPER + 'version', 0, None),
    'sudo-rs -n systemctl status nginx': ('/usr/local/sbin/sudo-rs -n /usr/bin/systemctl status nginx', 0, None),
    'doas -n systemctl status nginx': ('/usr/bin/doas -n /usr/bin/systemctl status nginx', 0, None),
    'pkexec systemctl status nginx': ('/usr/bin/pkexec /usr/bin/systemctl status nginx', 0, None),
    'run0 systemctl status nginx': ('/usr/bin/run0 --no-ask-password /usr/bin/systemctl status nginx', 0, None),
    'polkit rule: systemctl reset-failed nginx': ('/usr/bin/systemctl reset-failed nginx', 0, None),
    'no privilege: systemctl status nginx': ('/usr/bin/systemctl status nginx', 0, None),
    'sudo -n wrapper.sh status nginx': (SUDO + '/usr/local/sbin/wrapper.sh status nginx', 0, None),
    'sudo -n wrapper.py status nginx': (SUDO + '/usr/local/sbin/wrapper.py status nginx', 0, None),
    'sudo -n true': (SUDO + '/usr/bin/true', 0, None),
    'systemctl show nginx': ('/usr/bin/systemctl show --property=MainPID nginx', 0, None),
    'true': ('/usr/bin/true', 0, None),
}
COMMANDS = {name: each for name, each in COMMANDS.items() if os.path.exists(each[0].split()[0])}
AT_ONCE = 'eight accounts at once over the socket, each request'
AT_ONCE_LIMIT = 0.60
ACCOUNTS, EACH = 8, 5

class Account:
    """A process of this account, which runs what it is told and says how long that took."""
    def __init__(self, name):
        (told, self.tell), (self.hear, say) = os.pipe(), os.pipe()
        account = pwd.getpwnam(name)
        self.out = f'/run/bench.{name}'
        if os.fork():
            os.close(told), os.close(say)
            self.tell, self.hear = os.fdopen(self.tell, 'w'), os.fdopen(self.hear)
            return
        os.close(self.tell), os.close(self.hear)
        os.close(os.open(self.out, os.O_CREAT | os.O_TRUNC, 0o644)), os.chown(self.out, account.pw_uid, -1)
        os.initgroups(name, account.pw_gid), os.setgid(account.pw_gid), os.setuid(account.pw_uid)
        os.chdir(account.pw_dir)
        # What a login gives.
        env = {'HOME': account.pw_dir, 'USER': name, 'LOGNAME': name, 'SHELL': '/bin/bash',
               'PATH': '/usr/local/bin:/usr/bin:/bin', 'LANG': 'C.UTF-8', 'TERM': 'dumb'}
        files = [(os.POSIX_SPAWN_OPEN, 0, '/dev/null', os.O_RDONLY, 0),
                 (os.POSIX_SPAWN_OPEN, 1, self.out, os.O_WRONLY | os.O_TRUNC, 0),
                 (os.POSIX_SPAWN_OPEN, 2, '/dev/null', os.O_WRONLY, 0)]
        say = os.fdopen(say, 'w')
        for line in os.fdopen(told):
            count, argv = line.split(' ', 1)
            argv = argv.split()
            start = perf_counter()
            for _ in range(int(count)):
                pid = os.posix_spawn(argv[0], argv, env, file_actions=files)
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            print(start, perf_counter(), status, file=say, flush=True)
        os._exit(0)

    def begin(self, line, count=1):
        print(count, line, file=self.tell, flush=True)

    def end(self, name, wanted):
        start, end, status = self.hear.readline().split()
        if int(status) != wanted:
            sys.exit(f'{name}: exit status {status}: {open(self.out).read()}')
        return float(start), float(end)

def forget_rates():
    """What is left of a budget is not what is measured."""
    for name in os.listdir('/run/sm/rate') if os.path.isdir('/run/sm/rate') else []:
        path = f'/run/sm/rate/{name}'
        if os.path.isfile(path):
            os.unlink(path)

def quantile(times, share):
    times = sorted(times)
    place = share * (len(times) - 1)
    low = int(place)
    high = min(low + 1, len(times) - 1)
    return times[low] + (times[high] - times[low]) * (place - low)

agent = Account('agent')
crowd = [Account(f'bench{number}') for number in range(1, ACCOUNTS + 1)]
times = {name: [] for name in [*COMMANDS, AT_ONCE]}
names = list(COMMANDS)
for number in range(-10, ROUNDS):
    forget_rates()
    # Not always behind the same one.
    shift = number % len(names)
    for name in names[shift:] + names[:shift]:
        line, wanted, _ = COMMANDS[name]
        agent.begin(line)
        start, end = agent.end(name, wanted)
        if number == -1 and HELPER in line:
            code = json.load(open(agent.out))['code']
            assert code == ('ok' if wanted == 0 else 'denied'), (name, code)
        if number >= 0:
            times[name].append((end - start) * 1000)
    if number % 5 == 0:
        for account in crowd:
            account.begin(HELPER + '--via socket service status nginx', EACH)
        spans = [account.end(AT_ONCE, 0) for account in crowd]
        took = max(end for _, end in spans) - min(start for start, _ in spans)
        if number >= 0:
            times[AT_ONCE].append(took * 1000 / (ACCOUNTS * EACH))

limits = {name: limit for name, (_, _, limit) in COMMANDS.items() if limit} | {AT_ONCE: AT_ONCE_LIMIT}
rows = {name: [quantile(each, share) for share in (.25, .5, .75)] for name, each in times.items()}
base = rows[BASE][1]
print(f'{ROUNDS} rounds, ms {"":34} median   quartiles       ratio  limit')
missed = False
for name, (low, median, high) in rows.items():
    ratio, limit = median / base, limits.get(name)
    over = limit is not None and ratio > limit
    missed |= over
    said = f'  {limit:5.2f}{" missed" if over else ""}' if limit else ''
    print(f'{name:53} {median:6.2f}   {low:6.2f} {high:6.2f}   {ratio:6.2f}{said}')

def plot(path):
    """A bar for each command, its quartiles as a line, and its limit as a mark."""
    left, width, step, top = 400, 420, 24, 34
    most = max(high for _, _, high in rows.values()) / base
    place = lambda ratio: left + ratio / most * width
    height = top + step * len(rows) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 70} {height}" '
           'font-family="sans-serif" font-size="13" role="img">',
           '<title>Time of a request, as a ratio to sudo -n systemctl status nginx</title>',
           f'<rect width="100%" height="100%" fill="#fff"/>',
           f'<text x="{left}" y="18" fill="#444">time, as a ratio to {BASE}</text>']
    for share in range(0, int(most * 2) + 1):
        x = place(share / 2)
        out.append(f'<line x1="{x:.1f}" y1="{top - 8}" x2="{x:.1f}" y2="{height - 24}" stroke="#ddd"/>'
                   f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle" fill="#666">{share / 2:g}</text>')
    for number, (name, (low, median, high)) in enumerate(rows.items()):
        y = top + step * number
        own = 'sm-helper' in name or name == AT_ONCE
        out.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{name}</text>')
        out.append(f'<rect x="{left}" y="{y + 2}" width="{place(median / base) - left:.1f}" height="{step - 8}" '
                   f'fill="{"#2563a8" if own else "#b8bec6"}"/>')
        out.append(f'<line x1="{place(low / base):.1f}" y1="{y + 10}" x2="{place(high / base):.1f}" y2="{y + 10}" stroke="#222"/>')
        out.append(f'<text x="{place(high / base) + 5:.1f}" y="{y + 14}" fill="#222">{median / base:.2f}</text>')
        if name in limits:
            x = place(limits[name])
            out.append(f'<line x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{y + step - 4}" stroke="#c0392b" stroke-width="2"/>')
    out.append('</svg>')
    with open(path, 'w') as file:
        file.write('\n'.join(out) + '\n')

if PLOT:
    plot(PLOT)
sys.exit(missed)
