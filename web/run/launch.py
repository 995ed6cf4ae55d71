"""Becomes another program, after two things that only the process itself can arrange: it ends when its parent
ends (Linux), and it gives up root's rights. Run by path, before the environment is known to be sound:

    python -I -S launch.py PARENT_PID SIGNAL UID:GID:REACH|- COMMAND...

`REACH` is 1 when the account may not even see the command or its data (a checkout under /root): it then keeps
one of root's rights, to read and write files whoever owns them.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 15, 28, 47, 2
NO_SETUID_FIXUP = 1 << 2  # setuid and access() then leave capabilities alone
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def main(parent: int, death_signal: int, account: str, command: list[str]) -> None:
    """Never returns."""
    linux = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if account != "-":
        uid, gid, reach = map(int, account.split(":"))
        keep = linux if reach else None
        if keep and keep.prctl(PR_SET_SECUREBITS, NO_SETUID_FIXUP, 0, 0, 0):
            keep = None  # refused: the command will say what it cannot reach
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        if keep:
            _keep_reach(keep)
    end_with_parent(parent, death_signal)
    os.execvp(command[0], command)


def end_with_parent(parent: int, death_signal: int, name: str = "") -> None:
    """Have Linux end this process when `parent` ends; it is shown under `name`, if that is given."""
    if sys.platform != "linux":
        return
    linux = ctypes.CDLL(None, use_errno=True)
    linux.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if name:
        linux.prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        sys.exit(1)


def _keep_reach(linux: ctypes.CDLL) -> None:
    """Give up every capability but CAP_DAC_OVERRIDE, and hand that one through exec."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    for mask in (1 << CAP_DAC_OVERRIDE, 0):  # a container may not have it
        effective_permitted_inheritable = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        if linux.capset(header, effective_permitted_inheritable) == 0:
            linux.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)
            return
    sys.exit("root's capabilities could not be given up")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
