#!/usr/bin/python3 -I
# Takes the place of totpctl, writes how it was started, and finds every code valid.
import json, os, sys

status = dict(line.split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
open_files = [fd for fd in map(int, os.listdir("/proc/self/fd")) if os.path.exists(f"/proc/self/fd/{fd}")]
with open("/run/spy.json", "w") as f:
    json.dump({
        "argv": sys.argv[1:],
        "account": os.fsencode(sys.argv[4]).hex(),
        "env": {k: v for k, v in os.environ.items() if k != "LC_CTYPE"},  # which Python sets
        "code": sys.stdin.read(),
        "users": sorted(set(os.getresuid() + os.getresgid())),
        "fds": open_files,
        "cwd": os.getcwd(),
        "session": os.getsid(0) == os.getpid(),
        "blocked": int(status["SigBlk"], 16),
        "ignored": int(status["SigIgn"], 16) & ~(1 << 12 | 1 << 24),  # Python ignores SIGPIPE and SIGXFSZ
    }, f)
print('{"status":true}')
