package protect

import "syscall"

func protectMemory() {
	// It fails where the system knows no such thing, and there is no other way then.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0)
}
