package agent

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// checkPeer refuses other users, as the directory of the socket does already.
func checkPeer(c net.Conn) error {
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return err
	}
	var cred *syscall.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	switch {
	case err != nil:
		return err
	case credErr != nil:
		return credErr
	case int(cred.Uid) != os.Geteuid():
		return fmt.Errorf("it is of user %d", cred.Uid)
	}
	return nil
}
