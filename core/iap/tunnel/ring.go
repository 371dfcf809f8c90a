package tunnel

// A ring is a queue of bytes that grows to a limit and keeps what it has grown to.
type ring struct {
	buf   []byte
	start int
	n     int
}

// firstRing is what a ring has at first: most connections carry little.
const firstRing = 32 << 10

func (r *ring) len() int { return r.n }

// write appends as much of p as limit leaves room for, and returns how much.
func (r *ring) write(p []byte, limit int) int {
	n := min(len(p), limit-r.n)
	if n <= 0 {
		return 0
	}
	r.grow(r.n+n, limit)
	end := (r.start + r.n) % len(r.buf)
	copied := copy(r.buf[end:], p[:n])
	copy(r.buf, p[copied:n])
	r.n += n
	return n
}

func (r *ring) grow(need, limit int) {
	size := max(len(r.buf), firstRing)
	for size < need {
		size *= 2
	}
	if size = max(min(size, limit), need); size <= len(r.buf) {
		return
	}
	buf := make([]byte, size)
	r.peek(buf, 0)
	r.buf, r.start = buf, 0
}

// peek copies bytes from offset on into p, and returns how many.
func (r *ring) peek(p []byte, offset int) int {
	n := min(len(p), r.n-offset)
	if n <= 0 {
		return 0
	}
	at := (r.start + offset) % len(r.buf)
	copied := copy(p[:n], r.buf[at:])
	copy(p[copied:n], r.buf)
	return n
}

// drop forgets the first n bytes.
func (r *ring) drop(n int) {
	if r.n -= n; r.n == 0 {
		r.start = 0
		return
	}
	r.start = (r.start + n) % len(r.buf)
}
