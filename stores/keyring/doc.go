// Package keyring keeps sessions in files that are encrypted with a key, and the
// key in the keyring of the system: the Secret Service of Linux desktops (GNOME
// Keyring, KWallet, KeePassXC), the Keychain of macOS, the Credential Manager of
// Windows.
//
// The keyring has one small item for each directory, an age identity. So the size
// of a session does not matter, the keyring is read once in the life of a
// process, and a session that is written again asks nobody. The files are named
// tokens.keyring.age; keyring.pub, beside them, has the recipient in clear, which
// is also the name of the item.
//
// There is no other place for the key: where the keyring is locked, absent or
// says no, that is an error. A key that is gone is not replaced while there are
// files that only it can open.
//
// # Session bus
//
// On Linux, a program that contains this package connects to the D-Bus session
// bus before its main function runs; that is how the library for keyrings is
// made. If there is no bus and dbus-launch is installed, it starts one, which
// then stays when the program has ended. So a program that may run without a
// session, such as a plugin, is to be started with the environment variable
// DBUS_SESSION_BUS_ADDRESS set to "disabled:" where it is not set and
// /run/user/UID/bus does not exist. The keyring is then reported as absent.
//
// # macOS
//
// The Keychain needs a build with cgo. Without, every use says so.
package keyring
