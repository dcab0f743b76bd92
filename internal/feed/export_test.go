package feed

import (
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/stream"
)

// Units are frames as the loader gets them.
func Units(f []*stream.Frame) source.Source { return frames(f) }
