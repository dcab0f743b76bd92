package bench

import (
	"bytes"
	"os"
)

// pieces writes lines into files, so many into each.
type pieces struct {
	name  func(n int) string
	lines int64 // of each file

	files int
	file  *os.File
	left  int64 // lines that the file has room for
}

// Write implements io.Writer.
func (w *pieces) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if w.left == 0 {
			if err := w.next(); err != nil {
				return n, err
			}
		}
		end := w.fit(p)
		m, err := w.file.Write(p[:end])
		n += m
		if err != nil {
			return n, err
		}
		p = p[end:]
	}
	return n, nil
}

// fit returns how much of p belongs to the current file.
func (w *pieces) fit(p []byte) int {
	end := 0
	for w.left > 0 && end < len(p) {
		i := bytes.IndexByte(p[end:], '\n')
		if i < 0 {
			return len(p)
		}
		end += i + 1
		w.left--
	}
	return end
}

func (w *pieces) next() error {
	if err := w.Close(); err != nil {
		return err
	}
	f, err := os.Create(w.name(w.files))
	if err != nil {
		return err
	}
	w.file, w.left = f, w.lines
	w.files++
	return nil
}

// Close closes the last file.
func (w *pieces) Close() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}
