package agent

import (
	"context"
	"fmt"
	"net"
	"path/filepath"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

// bufferSize is what one side may write before the other reads.
const bufferSize = 64 << 10

// pipe is the named pipe that stands for a socket. Its name is no secret, and anybody
// may have made one of that name: [listen] fails then, and [dialSocket] sees whose it is.
func pipe(socket string) (name string, user *windows.SID, err error) {
	token, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", nil, fmt.Errorf("finding out the user: %w", err)
	}
	return `\\.\pipe\tokentoss-` + token.User.Sid.String() + "-" + filepath.Base(socket), token.User.Sid, nil
}

// listen makes the pipe, for this user on this machine alone. There must be none: winio
// asks for the first instance, and refuses clients of other machines.
func listen(socket string) (net.Listener, error) {
	name, user, err := pipe(socket)
	if err != nil {
		return nil, err
	}
	return winio.ListenPipe(name, &winio.PipeConfig{
		SecurityDescriptor: fmt.Sprintf("O:%[1]sD:P(A;;GA;;;%[1]s)", user),
		InputBufferSize:    bufferSize, OutputBufferSize: bufferSize,
	})
}

// dialSocket connects to the pipe of a server of this user. The server is not allowed to
// act as its client.
func dialSocket(ctx context.Context, socket string) (net.Conn, error) {
	name, user, err := pipe(socket)
	if err != nil {
		return nil, err
	}
	c, err := winio.DialPipeContext(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := checkServer(c, user); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// checkServer refuses a pipe of another user's. Only who has the privilege to restore
// files can make one that belongs to somebody else.
func checkServer(c net.Conn, user *windows.SID) error {
	file, ok := c.(interface{ Fd() uintptr })
	if !ok {
		return fmt.Errorf("the pipe is a %T, which has no handle", c)
	}
	sd, err := windows.GetSecurityInfo(windows.Handle(file.Fd()), windows.SE_KERNEL_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("finding out whose the pipe is: %w", err)
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return fmt.Errorf("finding out whose the pipe is: %w", err)
	}
	if !owner.Equals(user) {
		return fmt.Errorf("the pipe belongs to %s", owner)
	}
	return nil
}

// checkPeer trusts the pipe's access list, which lets nobody else in.
func checkPeer(net.Conn) error { return nil }
