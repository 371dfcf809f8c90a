package privatefile

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
)

// Byte order marks (Unicode 16.0, section 23.8). Editors and shells on Windows put
// them at the beginning of a file.
var (
	utf8Mark    = []byte{0xef, 0xbb, 0xbf}
	utf16Little = []byte{0xff, 0xfe}
	utf16Big    = []byte{0xfe, 0xff}
)

// Text returns what a person or a platform wrote as UTF-8, without a mark. Text in
// UTF-16, which has one, is converted.
func Text(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, utf8Mark):
		return data[len(utf8Mark):]
	case bytes.HasPrefix(data, utf16Little):
		return fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, utf16Big):
		return fromUTF16(data[2:], binary.BigEndian)
	}
	return data
}

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}
