package plugins_test

import "golang.org/x/sys/windows"

// stopProcess stops this process, which then reads nothing that it is sent.
func stopProcess() {
	_, _, _ = windows.NewLazySystemDLL("ntdll.dll").NewProc("NtSuspendProcess").Call(uintptr(windows.CurrentProcess()))
}

// alive tells whether a process is there.
func alive(pid int) bool {
	const running = 259 // STILL_ACTIVE
	p, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return false
	}
	defer func() { _ = windows.CloseHandle(p) }()
	var code uint32
	return windows.GetExitCodeProcess(p, &code) == nil && code == running
}
