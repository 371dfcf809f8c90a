package cli

import (
	"strings"

	"rsc.io/qr"
)

// quiet is the border that a QR code must have, in modules (ISO/IEC 18004); terminals'
// own margins do for the rest.
const quiet = 2

// qrCode draws text as a QR code, two rows of modules in a line, light on dark: a
// terminal's own colours do not matter. It returns "" where it is wider than the
// terminal, or too long for one; a width of zero is not known.
func qrCode(text string, width int) string {
	code, err := qr.Encode(text, qr.L)
	if err != nil || width > 0 && code.Size+2*quiet > width {
		return ""
	}
	black := func(x, y int) bool { return code.Black(x, y) } // outside of it, none is
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("\x1b[40;97m")
		for x := -quiet; x < code.Size+quiet; x++ {
			switch upper, lower := !black(x, y), !black(x, y+1); {
			case upper && lower:
				b.WriteString("█")
			case upper:
				b.WriteString("▀")
			case lower:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}
