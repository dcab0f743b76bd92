package file

import (
	"fmt"
	"io/fs"
	"strings"
)

// Reason is the word for why a file as a whole cannot be loaded.
type Reason string

// The reasons of a FormatError (rules 26, 27, 29, 30, 31 and 33).
const (
	Truncated           Reason = "truncated"
	BadChecksum         Reason = "bad_checksum"
	TrailingGarbage     Reason = "trailing_garbage"
	Corrupt             Reason = "corrupt"
	UnsupportedEncoding Reason = "unsupported_encoding"
	EmptyStream         Reason = "empty_stream"
	UnknownFormat       Reason = "unknown_format"
	NoEventColumn       Reason = "no_event_column"
	DuplicateHeader     Reason = "duplicate_header"
	EmptyHeader         Reason = "empty_header"
	Encrypted           Reason = "encrypted"
	UnknownType         Reason = "unknown_type"
	TooLarge            Reason = "too_large"
	XMLNotSupported     Reason = "xml_not_supported"
	ChangedWhileRead    Reason = "changed_while_read"
)

// FormatError says that the bytes of a file are not what they should be, so that none of it may be loaded.
type FormatError struct {
	Path   string
	Reason Reason
	Offset int64  // how many bytes of the file had been read, before decompression
	Err    error  // the cause
	Hint   string // what to do about it; may be empty
}

// Error names the file, the reason, the cause and the hint.
func (e *FormatError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "read %s: %s", printable(e.Path), e.Reason)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// NotRegularError says that a path is no regular file or folder: a symlink, a FIFO, a device, a socket (rule 32).
type NotRegularError struct {
	Path string
	Mode fs.FileMode
}

// Error names the path and what it is.
func (e *NotRegularError) Error() string {
	what, hint := "not a regular file", ""
	switch {
	case e.Mode&fs.ModeSymlink != 0:
		what, hint = "a symbolic link", ": give the path it leads to"
	case e.Mode&fs.ModeNamedPipe != 0:
		what, hint = "a named pipe", ": send it to the standard input and give - as the path"
	case e.Mode&fs.ModeDevice != 0:
		what, hint = "a device", ": only files and folders are read"
	case e.Mode&fs.ModeSocket != 0:
		what, hint = "a socket", ": only files and folders are read"
	}
	return fmt.Sprintf("refuse %s: %s%s", printable(e.Path), what, hint)
}

// SettingError says that a file needs a setting that was not given.
type SettingError struct {
	Path    string
	Setting string // as in the configuration: timezone, account, or both
	Why     string
}

// Error names the file, the reason and the flag.
func (e *SettingError) Error() string {
	return fmt.Sprintf("read %s: %s: give --%s", printable(e.Path), e.Why, e.Setting)
}
