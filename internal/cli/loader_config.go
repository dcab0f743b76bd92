package cli

import (
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/loader"
)

// loaderConfigOf is how events are loaded as a Config says, which is valid.
func (a *app) loaderConfigOf(c *config.Config, valid config.Valid) loader.Config {
	cfg := loader.Config{
		Source: c.Source, Schema: c.Schema, Evolve: loader.Mode(c.Evolve), ChunkBytes: valid.ChunkBytes,
		Workers: c.Workers, WidenMaxRows: c.WidenMaxRows, Indexes: indexesOf(c), Logger: a.log,
	}
	if valid.Filter != nil { // a nil *Filter in an interface would be a filter
		cfg.Filter = valid.Filter
	}
	return cfg
}
