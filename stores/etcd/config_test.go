package etcd_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// Settings that cannot work, or that would not be safe, are refused before
// anything is sent, and the error says which and what to do.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	const https = "https://etcd.example.com:2379"
	for name, tt := range map[string]struct {
		config etcd.Config
		says   string
	}{
		"no endpoint":           {etcd.Config{Prefix: "/p"}, "setting endpoints"},
		"not a URL":             {etcd.Config{Prefix: "/p", Endpoints: []string{"etcd:2379"}}, "number 1 is not a URL"},
		"path":                  {etcd.Config{Prefix: "/p", Endpoints: []string{https + "/v3"}}, "number 1 is not a URL"},
		"password in a URL":     {etcd.Config{Prefix: "/p", Endpoints: []string{"https://ada:hunter2@etcd:2379"}}, "number 1 is not a URL"},
		"other scheme":          {etcd.Config{Prefix: "/p", Endpoints: []string{"ftp://etcd:2379"}}, "neither https nor http"},
		"plain http":            {etcd.Config{Prefix: "/p", Endpoints: []string{"http://etcd.example.com:2379"}}, "plain http"},
		"plain http, a name":    {etcd.Config{Prefix: "/p", Endpoints: []string{"http://localhost.example.com:2379"}}, "plain http"},
		"mixed":                 {etcd.Config{Prefix: "/p", Endpoints: []string{https, "http://127.0.0.1:2379"}}, "some are https"},
		"no prefix":             {etcd.Config{Endpoints: []string{https}}, "setting prefix"},
		"prefix /":              {etcd.Config{Endpoints: []string{https}, Prefix: "/"}, "setting prefix"},
		"relative prefix":       {etcd.Config{Endpoints: []string{https}, Prefix: "ada"}, "setting prefix"},
		"empty part":            {etcd.Config{Endpoints: []string{https}, Prefix: "/a//b"}, "setting prefix"},
		"zero byte":             {etcd.Config{Endpoints: []string{https}, Prefix: "/a\x00"}, "setting prefix"},
		"user with a slash":     {etcd.Config{Endpoints: []string{https}, Username: "a/b", PasswordFile: "/x"}, "setting prefix"},
		"no password file":      {etcd.Config{Endpoints: []string{https}, Username: "ada"}, "password_file"},
		"no user":               {etcd.Config{Endpoints: []string{https}, Prefix: "/p", PasswordFile: "/x"}, "username"},
		"no key":                {etcd.Config{Endpoints: []string{https}, Prefix: "/p", CertFile: "/x"}, "key_file"},
		"CA for http":           {etcd.Config{Endpoints: []string{"http://[::1]:2379"}, Prefix: "/p", CAFile: "/x"}, "plain http"},
		"relative path":         {etcd.Config{Endpoints: []string{https}, Prefix: "/p", CAFile: "ca.pem"}, "relative"},
		"request_timeout":       {etcd.Config{Endpoints: []string{https}, Prefix: "/p", RequestTimeout: "5"}, "setting request_timeout"},
		"lock_ttl too short":    {etcd.Config{Endpoints: []string{https}, Prefix: "/p", LockTTL: "1s"}, "setting lock_ttl"},
		"lock_ttl, parts":       {etcd.Config{Endpoints: []string{https}, Prefix: "/p", LockTTL: "2500ms"}, "whole seconds"},
		"unused_after, a day":   {etcd.Config{Endpoints: []string{https}, Prefix: "/p", UnusedAfter: "23h"}, "setting unused_after"},
		"unused_after, no time": {etcd.Config{Endpoints: []string{https}, Prefix: "/p", UnusedAfter: "90d"}, "setting unused_after"},
		"unused_after, below 0": {etcd.Config{Endpoints: []string{https}, Prefix: "/p", UnusedAfter: "-2160h"}, "setting unused_after"},
		"unused_after, an age":  {etcd.Config{Endpoints: []string{https}, Prefix: "/p", UnusedAfter: "999999h"}, "setting unused_after"},
		"no such file":          {etcd.Config{Endpoints: []string{https}, Prefix: "/p", CAFile: filepath.Join(dir, "none")}, "no such file"},
		"no certificate":        {etcd.Config{Endpoints: []string{https}, Prefix: "/p", CAFile: file("ca", "text", 0o644)}, "no certificate in it"},
		"empty password":        {etcd.Config{Endpoints: []string{https}, Username: "ada", PasswordFile: file("empty", "\nhunter2", 0o600)}, "first line is empty"},
		"a directory":           {etcd.Config{Endpoints: []string{https}, Username: "ada", PasswordFile: dir}, "not a regular file"},
		"not a key pair":        {etcd.Config{Endpoints: []string{https}, Prefix: "/p", CertFile: file("c", "x", 0o600), KeyFile: file("k", "x", 0o600)}, "no certificate and its key"},
		"two kinds of keys":     {etcd.Config{Endpoints: []string{https}, Prefix: "/p", Identity: "/a", SSHKey: "/b"}, "ssh_key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := etcd.Open(bounded(t), tt.config, dir, nil, nil)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("error is %v, want one that says %q", err, tt.says)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

// Passwords and keys that others can read are refused, with the command that
// mends that.
func TestFilesMustBePrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no mode on Windows")
	}
	path := passwordFile(t, "hunter2")
	must(t, os.Chmod(path, 0o640))
	pki := newPKI(t)
	must(t, os.Chmod(pki.clientKey, 0o604))
	for _, c := range []etcd.Config{
		{Endpoints: []string{"https://127.0.0.1:1"}, Username: "ada", PasswordFile: path},
		{Endpoints: []string{"https://127.0.0.1:1"}, Prefix: "/p", CertFile: pki.clientCert, KeyFile: pki.clientKey},
	} {
		_, err := etcd.Open(bounded(t), c, t.TempDir(), nil, nil)
		var own *fault.Error
		if !errors.Is(err, core.ErrInsecure) || !errors.As(err, &own) || !strings.Contains(own.Hint(), "chmod 600") {
			t.Errorf("error is %v, want core.ErrInsecure and how to mend that", err)
		}
	}
}

// Where nothing is asked of etcd, opening a store needs no etcd: http to
// loopback addresses, and to others where that is wanted.
func TestGoodSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []etcd.Config{
		{Endpoints: []string{"http://localhost:1", "http://127.0.0.2:1/", "http://[::1]:1"}, Prefix: "/p/"},
		{Endpoints: []string{"http://etcd.example.com:2379"}, Prefix: "/p", Insecure: true},
		{Endpoints: []string{"https://etcd.example.com"}, Prefix: "/p", RequestTimeout: "100ms", LockTTL: "1m"},
	} {
		s := openClosed(t, c, t.TempDir())
		if got := s.(core.Locator).Path(core.DefaultKey); got != "/p/sessions/default" {
			t.Errorf("the document is at %s", got)
		}
	}
}
