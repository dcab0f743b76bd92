package clevertap

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"

	"github.com/tapline/tapline/internal/decode"
)

// maxValue is how long a value of an answer other than its records may be, in bytes. Cursors have some 2 KiB.
const maxValue = 64 << 10

// maxKeys is how many such values an answer may have. Those of the API have some five.
const maxKeys = 100

// errAnswer says that bytes are no whole answer of the API.
var errAnswer = errors.New("not a whole JSON answer")

// sink takes the records of a page.
type sink interface {
	record(raw []byte) error
	large(prefix []byte, size int64, digest [32]byte) error
}

// scanner reads an answer as it comes, piece by piece: it gives the elements of "records" to a sink, one by one, and keeps
// what else the answer says. The records' own JSON is judged when they are decoded; here only their ends are looked for. No
// more of the answer is held than one record.
type scanner struct {
	to    sink
	state scanState
	err   error

	key    []byte            // that is being read, or whose value is
	value  []byte            // of the key, or a record
	values map[string][]byte // of the answer, but for its records
	found  bool              // records, as an array

	depth    int // of nested objects and arrays
	inText   bool
	escaped  bool
	scalar   bool  // the value is neither an object, an array nor a text
	inRecord bool  // the value is a record
	size     int64 // of the record
	hash     hash.Hash
}

type scanState uint8

const (
	atStart  scanState = iota
	atKey              // a key or the end
	inKey              //
	atColon            //
	atValue            //
	inValue            //
	atComma            // behind a member: a comma or the end
	atRecord           // the first record, or the end of the array
	nextRecord
	atRecordComma
	atEnd
)

func newScanner(to sink) *scanner { return &scanner{to: to, values: map[string][]byte{}} }

// Write implements io.Writer. After an error it gives the same error.
func (s *scanner) Write(p []byte) (int, error) {
	for i := 0; i < len(p) && s.err == nil; {
		if s.state == inValue {
			i += s.inside(p[i:])
			continue
		}
		if s.state != inKey && isSpace(p[i]) {
			i++
			continue
		}
		i += s.step(p[i])
	}
	if s.err != nil {
		return 0, s.err
	}
	return len(p), nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// step takes one byte outside of values, and returns 0 if it is the value's first.
func (s *scanner) step(c byte) int {
	switch s.state {
	case atStart:
		s.want(c == '{', atKey)
	case atKey:
		s.key = s.key[:0]
		if c == '}' && len(s.values) == 0 && !s.found {
			s.state = atEnd
			return 1
		}
		s.want(c == '"', inKey)
	case inKey:
		s.stepKey(c)
	case atColon:
		s.want(c == ':', atValue)
	case atValue:
		if c == '[' && string(s.key) == "records" {
			s.want(!s.found, atRecord)
			s.found = true
			return 1
		}
		s.beginValue(c, false)
		return 0
	case atComma:
		s.ends(c, '}', atKey, atEnd)
	case atRecord, nextRecord:
		if c == ']' && s.state == atRecord {
			s.state = atComma
			return 1
		}
		s.beginValue(c, true)
		return 0
	case atRecordComma:
		s.ends(c, ']', nextRecord, atComma)
	default:
		s.fail("text behind its end")
	}
	return 1
}

// stepKey takes one byte of a key. Keys of the API have no escapes.
func (s *scanner) stepKey(c byte) {
	switch {
	case c == '"':
		s.state = atColon
	case c < ' ' || c == '\\' || len(s.key) > 256:
		s.fail("an odd key")
	default:
		s.key = append(s.key, c)
	}
}

func (s *scanner) want(ok bool, next scanState) {
	if s.state = next; !ok {
		s.fail("something else than JSON of the API")
	}
}

func (s *scanner) ends(c, end byte, next, after scanState) {
	if c == end {
		s.state = after
		return
	}
	s.want(c == ',', next)
}

func (s *scanner) fail(what string) {
	if s.err == nil {
		s.err = fmt.Errorf("%w: %s", errAnswer, what)
	}
}

func (s *scanner) beginValue(c byte, record bool) {
	s.state, s.inRecord, s.value, s.size = inValue, record, s.value[:0], 0
	s.depth, s.inText, s.escaped, s.hash = 0, false, false, nil
	s.scalar = c != '{' && c != '[' && c != '"'
	if c == ',' || c == ']' || c == '}' || c == ':' {
		s.fail("a value is missing")
	}
}

// inside takes bytes of a value, at most up to its end, and returns how many.
func (s *scanner) inside(p []byte) int {
	n, ended := s.length(p)
	s.keep(p[:n])
	if ended && s.err == nil {
		s.endValue()
	}
	return n
}

// length returns how many bytes of p belong to the value, and whether it ends there.
func (s *scanner) length(p []byte) (n int, ended bool) {
	for i := 0; i < len(p); i++ {
		if s.inText {
			if i = s.skipText(p, i); i < 0 {
				return len(p), false
			}
			if s.depth == 0 {
				return i + 1, true
			}
			continue
		}
		switch c := p[i]; c {
		case '"':
			if s.scalar {
				s.fail("a quote within a value")
				return i, false
			}
			s.inText = true
		case '{', '[':
			s.depth++
		case '}', ']':
			if s.scalar {
				return i, true
			}
			if s.depth--; s.depth == 0 {
				return i + 1, true
			}
		case ',', ' ', '\n', '\r', '\t':
			if s.scalar {
				return i, true
			}
		}
	}
	return len(p), false
}

// skipText returns where the text's closing quote is, -1 if it is not in p.
func (s *scanner) skipText(p []byte, i int) int {
	for i < len(p) {
		if s.escaped {
			s.escaped = false
			i++
			continue
		}
		quote := bytes.IndexByte(p[i:], '"')
		end := i + quote
		if quote < 0 {
			end = len(p)
		}
		if slash := bytes.IndexByte(p[i:end], '\\'); slash >= 0 {
			i += slash + 1
			s.escaped = true
			continue
		}
		if quote < 0 {
			return -1
		}
		s.inText = false
		return end
	}
	return -1
}

// keep collects the value's bytes. Of a record over the limit only the size, the digest and the beginning are known.
func (s *scanner) keep(p []byte) {
	s.size += int64(len(p))
	switch {
	case s.hash != nil:
		s.hash.Write(p)
	case s.inRecord && s.size > decode.MaxEvent:
		s.hash = sha256.New()
		s.hash.Write(s.value)
		s.hash.Write(p)
		s.value = append(s.value, p[:min(len(p), decode.KeptOfTooLarge)]...)
		s.value = s.value[:min(len(s.value), decode.KeptOfTooLarge)]
	case !s.inRecord && s.size > maxValue:
		s.fail("a value that is too long")
	default:
		s.value = append(s.value, p...)
	}
}

func (s *scanner) endValue() {
	switch {
	case !s.inRecord:
		key := string(s.key)
		if _, twice := s.values[key]; twice {
			s.fail("a key is there twice")
		}
		if len(s.values) == maxKeys {
			s.fail("too many keys")
		}
		s.values[key] = bytes.Clone(s.value)
		s.state = atComma
		return
	case s.hash != nil:
		var digest [32]byte
		s.hash.Sum(digest[:0])
		s.err = s.to.large(s.value, s.size, digest)
	default:
		s.err = s.to.record(s.value)
	}
	s.state = atRecordComma
}

// answer is what an answer says beside its records.
type answer struct {
	status, err string
	code        int
	cursor      string // of the first step
	next        string // cursor of the next page; empty on the last one
	records     bool   // there is an array of records, be it empty
	request     bool   // there is a req_id: the answer is not ready
}

// end returns what the whole answer says.
func (s *scanner) end() (answer, error) {
	var a answer
	if s.err == nil && s.state != atEnd {
		s.fail("it is cut off")
	}
	if s.err != nil {
		return a, s.err
	}
	for _, field := range []struct {
		key string
		to  *string
	}{{"status", &a.status}, {"cursor", &a.cursor}, {"next_cursor", &a.next}} {
		if raw, ok := s.values[field.key]; ok {
			if err := json.Unmarshal(raw, field.to); err != nil { // null leaves it empty
				return a, fmt.Errorf("%w: %s is no text", errAnswer, field.key)
			}
		}
	}
	a.err, a.records = words(s.values["error"]), s.found
	if raw, ok := s.values["code"]; ok {
		a.code = number(raw)
	}
	_, a.request = s.values["req_id"]
	return a, nil
}

// words returns what an error says: a text, or several in an array.
func words(raw []byte) string {
	var one string
	var many []string
	switch {
	case len(raw) == 0 || json.Unmarshal(raw, &one) == nil:
		return one
	case json.Unmarshal(raw, &many) == nil && len(many) > 0:
		return many[0]
	}
	return string(raw)
}

// number returns a code, which may be a text; 0 if it is none.
func number(raw []byte) (n int) {
	raw = bytes.Trim(raw, `"`)
	if json.Unmarshal(raw, &n) != nil {
		return 0
	}
	return n
}
