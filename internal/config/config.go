// Package config holds what the commands are told by flags and by the environment, checked once and in one place.
package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tapline/tapline/schema"
)

// Config is what all commands share. A command fills the fields that it has flags for and calls Validate.
type Config struct {
	// Source is the nickname of the source, Schema its schema if that is not to be made of the nickname.
	Source, Schema string
	Database       Database
	Files          Files
	// Pull says how the source is pulled from CleverTap's API. It is checked by its own Validate.
	Pull Pull
	// Include and Exclude are patterns of what is loaded; see NewFilter.
	Include, Exclude []string
	// Evolve is auto or managed. Defaults to auto.
	Evolve string
	// Workers is how many large files are loaded side by side. Defaults to the loader's choice.
	Workers int
	// ChunkSize is how many bytes of values are collected before they are copied, such as 40MiB. Defaults to the
	// loader's choice.
	ChunkSize string
	// WidenMaxRows is the size of the largest table that a load widens a column in; negative means none. Defaults to the
	// loader's choice.
	WidenMaxRows int
	// Indexes are btree indexes to have beside the key, by table.
	Indexes map[string][]Index
}

// Files says how files are read.
type Files struct {
	// Format is one of Formats. Defaults to looking at each file.
	Format string
	// Timezone is the IANA name of the CleverTap project's time zone.
	Timezone string
	// Account is the CleverTap account's id, Event the event of records that do not name theirs.
	Account, Event string
	// UserIdentity is one of UserIdentities. Defaults to identity.
	UserIdentity string
	// TempDir is where the standard input is spooled. Defaults to the system's.
	TempDir string
	// UnitMaxSize is the size up to which a plain file is one transaction, such as 256MiB. Defaults to 4GiB.
	UnitMaxSize string
}

// Valid is a Config whose words have become values.
type Valid struct {
	// Schema is the name of the source's schema; empty without a source.
	Schema string
	// Zone is nil if no time zone was given.
	Zone *time.Location
	// ChunkBytes is 0 if no size was given.
	ChunkBytes int
	// UnitMaxBytes is 0 if no size was given.
	UnitMaxBytes int64
	// Filter is nil if everything is loaded.
	Filter *Filter
}

// Formats are the values of --format.
func Formats() []string {
	return []string{"segment", "clevertap", "segment-csv", "clevertap-csv", "clevertap-parquet"}
}

// UserIdentities are the values of --user-identity.
func UserIdentities() []string { return []string{"identity", "email", "phone", "clevertap_id"} }

// Modes are the values of --evolve.
func Modes() []string { return []string{"auto", "managed"} }

// Error says which setting is wrong and what it may be.
type Error struct {
	Setting string // the flag, such as --format
	Value   string // as given; may be empty
	Problem string
	Hint    string // what to do; may be empty
}

// Error returns setting, value, problem and hint in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Setting)
	if e.Value != "" {
		fmt.Fprintf(&b, " %q", e.Value)
	}
	b.WriteString(": " + e.Problem)
	if e.Hint != "" {
		b.WriteString(": " + e.Hint)
	}
	return b.String()
}

// Validate checks everything that can be checked without a file or a server. The error is an *Error.
func (c *Config) Validate() (Valid, error) {
	var v Valid
	var err error
	if v.Schema, err = c.schemaName(); err != nil {
		return v, err
	}
	for _, choice := range []struct {
		flag, value string
		allowed     []string
	}{
		{"--format", c.Files.Format, Formats()},
		{"--user-identity", c.Files.UserIdentity, UserIdentities()},
		{"--evolve", c.Evolve, Modes()},
	} {
		if choice.value != "" && !slices.Contains(choice.allowed, choice.value) {
			return v, &Error{choice.flag, choice.value, "unknown value", "use " + AnyOf(choice.allowed, "")}
		}
	}
	if v.Zone, err = zone(c.Files.Timezone); err != nil {
		return v, err
	}
	if c.Workers < 0 || c.Workers > maxWorkers {
		return v, &Error{"--workers", strconv.Itoa(c.Workers), "no number from 1 to 64", "leave it out for one a processor"}
	}
	if v.ChunkBytes, err = chunkBytes(c.ChunkSize); err != nil {
		return v, err
	}
	if v.UnitMaxBytes, err = unitMaxBytes(c.Files.UnitMaxSize); err != nil {
		return v, err
	}
	v.Filter, err = NewFilter(c.Include, c.Exclude)
	return v, err
}

func (c *Config) schemaName() (string, error) {
	if err := schema.CheckNickname(c.Source); err != nil {
		return "", &Error{Setting: "--source", Problem: err.Error()}
	}
	switch {
	case c.Schema != "":
		if err := schema.CheckSchemaName(c.Schema); err != nil {
			return "", &Error{Setting: "--schema", Problem: err.Error()}
		}
		return c.Schema, nil
	case c.Source == "":
		return "", nil
	}
	name, err := schema.SchemaName(c.Source)
	if err != nil {
		return "", &Error{Setting: "--source", Problem: err.Error()}
	}
	return name, nil
}

// zone takes no abbreviations: IST is three zones. "Local" would make the rows depend on the machine.
func zone(name string) (*time.Location, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // no zone was given
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, &Error{"--timezone", name, "unknown time zone", "use the IANA name of the CleverTap project's zone, " +
			"such as Asia/Kolkata, America/New_York or UTC"}
	}
	return location, nil
}

const maxWorkers = 64

const minChunk, maxChunk = 64 << 10, 1 << 30

func chunkBytes(size string) (int, error) {
	if size == "" {
		return 0, nil
	}
	n, ok := ParseSize(size)
	if !ok || n < minChunk || n > maxChunk {
		return 0, &Error{"--chunk-size", size, "no size between 64KiB and 1GiB", "use a number with its unit, such as 40MiB"}
	}
	return int(n), nil
}

const minUnit = 64 << 10

func unitMaxBytes(size string) (int64, error) {
	if size == "" {
		return 0, nil
	}
	n, ok := ParseSize(size)
	if !ok || n < minUnit {
		return 0, &Error{"--unit-max-bytes", size, "no size of 64KiB or more", "use a number with its unit, such as 256MiB"}
	}
	return n, nil
}

// AnyOf writes "a, b or c", each word with a prefix.
func AnyOf(words []string, prefix string) string {
	last := len(words) - 1
	if last == 0 {
		return prefix + words[0]
	}
	return prefix + strings.Join(words[:last], ", "+prefix) + " or " + prefix + words[last]
}
