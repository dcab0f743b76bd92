package file

import (
	"bytes"
	"context"
	"errors"

	"github.com/tapline/tapline/internal/occurrence"
	"github.com/tapline/tapline/internal/source"
)

var (
	errParquet   = errors.New("the file is Parquet")
	errNoParquet = errors.New("the file is not Parquet")
)

// isParquet reports whether a text begins as Parquet does, plain or with an encrypted footer.
func isParquet(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PAR1")) || bytes.HasPrefix(head, []byte("PARE"))
}

type tableReader struct {
	source.Reader
	owned *occurrence.Counter
}

func newTableReader(_ context.Context, in *Input, _ setup) (*tableReader, error) {
	return nil, in.explain(&FormatError{Reason: ParquetNotSupported, Err: errParquet, Hint: "export JSON or CSV"}, 0)
}
