package peercred

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// inTree tells whether process, or one that descends from it, has a socket open.
func inTree(process int, inode uint64) bool {
	want := fmt.Sprintf("socket:[%d]", inode)
	for _, pid := range tree(process) {
		// The number may be another process's by the time that its files are read.
		if hasOpen(pid, want) && slices.Contains(tree(process), pid) {
			return true
		}
	}
	return false
}

// tree returns a process and those that descend from it, as far as proc(5) shows them.
func tree(process int) []int {
	children := make(map[int][]int)
	for _, name := range names("/proc") {
		if pid, err := strconv.Atoi(name); err == nil {
			parent := parentOf(pid)
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{process}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// parentOf returns the parent of a process, which is 0 for one that is gone.
func parentOf(pid int) int {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// The name of the program, in parentheses, may have any character.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(string(fields[1]))
	return parent
}

// hasOpen tells whether a process has a file open that the system shows so.
func hasOpen(pid int, want string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	return slices.ContainsFunc(names(dir), func(name string) bool {
		file, err := os.Readlink(dir + "/" + name)
		return err == nil && file == want
	})
}

func names(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	list, _ := d.Readdirnames(-1) // as far as it goes
	return list
}
