package host

// extension is what the name of an executable ends with.
const extension = ".exe"

// alive says yes: a directory without sockets does no harm.
func alive(int) bool { return true }
