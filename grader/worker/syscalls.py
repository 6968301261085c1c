"""Numbers of the system calls that a worker may use, for the two architectures that are filtered.

Absent on purpose: whatever starts, watches or signals a process, opens a socket, changes a file, shares memory, or
changes a limit, an identity or a priority.
"""

from __future__ import annotations

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# A call that one architecture has not stands there without a number.
_TABLE = """
    name               x86_64  aarch64
    read                    0       63
    write                   1       64
    readv                  19       65
    writev                 20       66
    pread64                17       67
    close                   3       57
    fstat                   5       80
    lseek                   8       62
    newfstatat            262       79
    statx                 332      291
    stat                    4        -
    lstat                   6        -
    access                 21        -
    faccessat             269       48
    faccessat2            439      439
    open                    2        -
    openat                257       56
    readlink               89        -
    readlinkat            267       78
    getdents64            217       61
    getcwd                 79       17
    fadvise64             221      223

    mmap                    9      222
    mprotect               10      226
    munmap                 11      215
    mremap                 25      216
    brk                    12      214
    madvise                28      233
    msync                  26      227
    mincore                27      232
    mbind                 237      235
    get_mempolicy         239      236

    futex                 202       98
    futex_waitv           449      449
    set_robust_list       273       99
    set_tid_address       218       96
    rseq                  334      293
    membarrier            324      283
    getcpu                309      168
    sched_yield            24      124
    sched_getaffinity     204      123
    arch_prctl            158        -

    rt_sigaction           13      134
    rt_sigprocmask         14      135
    rt_sigreturn           15      139
    sigaltstack           131      132
    restart_syscall       219      128

    poll                    7        -
    ppoll                 271       73
    select                 23        -
    pselect6              270       72
    epoll_create1         291       20
    epoll_ctl             233       21
    epoll_wait            232        -
    epoll_pwait           281       22
    eventfd2              290       19
    pipe                   22        -
    pipe2                 293       59
    dup                    32       23
    dup2                   33        -
    dup3                  292       24

    getpid                 39      172
    gettid                186      178
    getppid               110      173
    getuid                102      174
    geteuid               107      175
    getgid                104      176
    getegid               108      177
    uname                  63      160
    sysinfo                99      179
    getrusage              98      165
    getrlimit              97      163
    times                 100      153
    time                  201        -
    getrandom             318      278
    clock_gettime         228      113
    clock_getres          229      114
    clock_nanosleep       230      115
    nanosleep              35      101
    gettimeofday           96      169

    exit                   60       93
    exit_group            231       94
"""
_CONDITIONAL = """
    name               x86_64  aarch64
    clone                  56      220
    clone3                435      435
    tgkill                234      131
    prlimit64             302      261
    fcntl                  72       25
    ioctl                  16       29
    prctl                 157      167
"""


def _numbers(table: str, machine: str) -> dict[str, int]:
    header, *rows = (line.split() for line in table.split("\n") if line.strip())
    column = header.index(machine)
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def always_allowed(machine: str) -> dict[str, int]:
    """Name -> number of the calls that need no look at their arguments."""
    return _numbers(_TABLE, machine)


def conditional(machine: str) -> dict[str, int]:
    """Name -> number of the calls whose arguments `seccomp` judges."""
    return _numbers(_CONDITIONAL, machine)
