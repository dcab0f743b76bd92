package decode

import (
	"fmt"

	"github.com/tapline/tapline/schema"
)

// classify says why raw, whose size and UTF-8 are good, is not a record: the first of rule 18's checks that fails.
// Faults beyond those have reasons of their own.
func (d *Decoder) classify(raw []byte) (schema.Reason, string) {
	if n := lexicalDepth(raw); n > maxDepth {
		return schema.NestingTooDeep, fmt.Sprintf("%d containers within each other, %d are allowed", n, maxDepth)
	}
	end := d.skip(raw, 0, len(raw))
	if end < 0 {
		return schema.InvalidJSON, "not valid JSON"
	}
	if rest := space(raw, end); rest < len(raw) {
		return schema.InvalidJSON, fmt.Sprintf("more after the end of the value, at byte %d", rest)
	}
	if raw[space(raw, 0)] != '{' {
		return schema.NotAnObject, "valid JSON, but not an object"
	}
	return schema.DuplicateKey, "a key of the record itself is repeated"
}

// lexicalDepth returns how many containers are open at once at most, whether or not raw is JSON otherwise.
func lexicalDepth(raw []byte) int {
	depth, most := 0, 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			if depth++; depth > most {
				most = depth
			}
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		}
	}
	return most
}
