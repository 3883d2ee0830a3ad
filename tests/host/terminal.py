"""Runs a command at a new terminal and types what a person would.

Standard input: JSON, a list of [text to wait for, keys to type]. Prints JSON: what the terminal
showed, the exit status (negative for a signal), and whether it echoes in the end.
"""
import json, os, select, signal, struct, sys, time
import fcntl, termios

plan = json.load(sys.stdin)
# The second is held open, so that the terminal can still be asked when the command has ended.
terminal, own = os.openpty()
fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
pid = os.fork()
if pid == 0:
    os.login_tty(own)
    os.execvp(sys.argv[1], sys.argv[1:])
shown, after, end = b"", 0, time.time() + 100


def read(seconds):
    global shown
    if select.select([terminal], [], [], seconds)[0]:
        try:
            shown += os.read(terminal, 65536)
        except OSError:
            pass


status = None
while status is None and time.time() < end:
    read(0.05)
    if plan and (at := shown.find(plan[0][0].encode(), after)) >= 0:
        after = at + len(plan[0][0])
        os.write(terminal, plan[0][1].encode())
        plan.pop(0)
    done, code = os.waitpid(pid, os.WNOHANG)
    if done:
        status = os.waitstatus_to_exitcode(code)
if status is None:
    os.kill(pid, signal.SIGKILL)
for _ in range(4):
    read(0.05)
echoes = bool(termios.tcgetattr(own)[3] & termios.ECHO)
json.dump({"shown": shown.decode(errors="replace"), "status": status, "echoes": echoes,
           "untyped": len(plan)}, sys.stdout)
