package cli

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"testing"

	"github.com/tapline/tapline/internal/source"
)

// named is a unit that has nothing but a name.
type named struct {
	source.Unit
	name string
}

// numbered yields so many units without delay.
type numbered int

func (n numbered) Units(context.Context) iter.Seq2[source.Unit, error] {
	return func(yield func(source.Unit, error) bool) {
		for i := range int(n) {
			if !yield(named{name: strconv.Itoa(i)}, nil) {
				return
			}
		}
	}
}

// The unit that ends a batch for its number begins the next one.
func TestBatchesHaveEveryUnit(t *testing.T) {
	t.Parallel()
	const units = 2*maxBatch + 2
	s := newSupply(t.Context(), numbered(units))
	defer s.close()
	var got, want []string
	var batches []int
	for s.wait(t.Context()) {
		before := len(got)
		for u := range s.Units(t.Context()) {
			got = append(got, u.(named).name)
		}
		batches = append(batches, len(got)-before)
	}
	for i := range units {
		want = append(want, strconv.Itoa(i))
	}
	if !slices.Equal(got, want) {
		t.Errorf("batches of %d have %d units of %d", batches, len(got), units)
	}
}
