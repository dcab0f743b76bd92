package clevertap

// Scan reads an answer in pieces of the given size and returns its records and what else it says.
func Scan(text []byte, piece int) (records [][]byte, status, next string, err error) {
	var to kept
	s := newScanner(&to)
	for rest := text; len(rest) > 0; {
		n := min(piece, len(rest))
		if _, err := s.Write(rest[:n]); err != nil {
			return nil, "", "", err
		}
		rest = rest[n:]
	}
	a, err := s.end()
	return to, a.status, a.next, err
}

type kept [][]byte

func (k *kept) record(raw []byte) error {
	*k = append(*k, append([]byte(nil), raw...))
	return nil
}

func (k *kept) large(prefix []byte, _ int64, _ [32]byte) error { return k.record(prefix) }
