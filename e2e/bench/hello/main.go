// Command hello is the least that a Go program can do. The start-up of tokentoss
// is measured against it.
package main

import "os"

func main() { _, _ = os.Stdout.WriteString("hello\n") }
