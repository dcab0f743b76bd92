package federate

import (
	"bytes"
	"fmt"
	"testing"
)

// Rows come out of a spool as they went in, those in memory and those beyond it.
func TestSpool(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 100, 5000, 1 << 20} {
		s := spool{limit: limit}
		defer s.close()
		row := func(i int) [][]byte {
			return [][]byte{[]byte(fmt.Sprint("id ", i)), nil, {}, bytes.Repeat([]byte("x"), i%300)}[:2+i%3]
		}
		const rows = 500
		for i := range rows {
			if err := s.add(i%3, row(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.finish(); err != nil {
			t.Fatal(err)
		}
		if (s.file != nil) != (limit < 1<<20) || s.file != nil && len(s.memory) > 2*limit+1000 {
			t.Errorf("limit %d: %d bytes in memory, file %v", limit, len(s.memory), s.file)
		}
		var values [][]byte
		for i := range rows {
			var table int
			var err error
			table, values, err = s.next(func(table int) int { return 2 + table }, values)
			if err != nil || table != i%3 {
				t.Fatalf("limit %d, row %d: table %d, %v", limit, i, table, err)
			}
			for j, want := range row(i) {
				if !bytes.Equal(values[j], want) || (values[j] == nil) != (want == nil) {
					t.Fatalf("limit %d, row %d: value %d is %q, want %q", limit, i, j, values[j], want)
				}
			}
		}
		if s.rows != 0 {
			t.Errorf("%d rows left", s.rows)
		}
	}
}
