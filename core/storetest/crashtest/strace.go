package crashtest

import (
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

// A call is a system call that succeeded.
type call struct {
	name    string
	args    string
	file    string   // of the descriptor that is its first argument, if that is one
	strings []string // among its arguments
	result  int
}

var (
	pidForm     = regexp.MustCompile(`^(\d+) +(.*)$`)
	resumedForm = regexp.MustCompile(`^<\.\.\. \w+ resumed>(.*)$`)
	callForm    = regexp.MustCompile(`^(\w+)\((.*)\) += (-?\d+)`)
	fileForm    = regexp.MustCompile(`^\d+<([^>]*)>`)
	stringForm  = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
)

const unfinished = " <unfinished ...>"

// parseCalls reads what strace -f -y -xx wrote. A call that another thread interrupted
// counts when it is done.
func parseCalls(log string) (calls []call) {
	begun := map[string]string{} // by thread
	for line := range strings.Lines(log) {
		m := pidForm.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		pid, text := m[1], m[2]
		if head, ok := strings.CutSuffix(text, unfinished); ok {
			begun[pid] = head
			continue
		}
		if r := resumedForm.FindStringSubmatch(text); r != nil {
			text = begun[pid] + r[1]
		}
		parts := callForm.FindStringSubmatch(text)
		if parts == nil {
			continue
		}
		c := call{name: parts[1], args: parts[2]}
		if c.result, _ = strconv.Atoi(parts[3]); c.result < 0 {
			continue
		}
		if f := fileForm.FindStringSubmatch(c.args); f != nil {
			c.file = unhex(f[1])
		}
		for _, s := range stringForm.FindAllStringSubmatch(c.args, -1) {
			c.strings = append(c.strings, unhex(s[1]))
		}
		calls = append(calls, c)
	}
	return calls
}

func unhex(s string) string {
	if !strings.HasPrefix(s, `\x`) {
		return s
	}
	b, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	if err != nil {
		return s
	}
	return string(b)
}
