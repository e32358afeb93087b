"""Confine this process to some folders, with Linux Landlock, before chDB's threads exist.

Facts: landlock(7). System calls 444 to 446 on every architecture; reading and writing rights need ABI 1, truncation
3, TCP 4. Where the kernel has no Landlock (or on macOS) nothing happens and `confine` says so: grants and the HogQL
whitelist remain the walls.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
FILE_RIGHTS_ABI1 = (1 << 13) - 1
REFER, TRUNCATE, IOCTL = 1 << 13, 1 << 14, 1 << 15
TCP = 1 | 2
NO_NEW_PRIVS = 38

SYSTEM_READS = ("/usr", "/lib", "/lib64", "/bin", "/proc", "/sys", "/dev", "/etc/ld.so.cache", "/etc/localtime")
SYSTEM_WRITES = ("/dev/null",)


class RulesetAttr(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64), ("handled_access_net", ctypes.c_uint64))


class PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def confine(reads: Sequence[str], writes: Sequence[str]) -> bool:
    """Allow reading below `reads` (and the system's libraries) and everything below `writes`; forbid the rest and TCP.

    Returns False where the kernel cannot. Rights never come back in this process or its children.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        return False
    handled = FILE_RIGHTS_ABI1 | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0)
    attr = RulesetAttr(handled, TCP if abi >= 4 else 0)
    size = ctypes.sizeof(attr) if abi >= 4 else 8
    ruleset = libc.syscall(CREATE_RULESET, ctypes.byref(attr), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    for path in (*SYSTEM_READS, sys.prefix, sys.base_prefix, *reads):
        allow(libc, ruleset, path, EXECUTE | READ_FILE | READ_DIR)
    for path in (*SYSTEM_WRITES, *writes):
        allow(libc, ruleset, path, handled)
    libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    done = libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return done


def allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        rights &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
    rule = PathBeneathAttr(rights, fd)
    libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(fd)
