package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/segmentio/go-snakecase"
)

// MaxIdentifier is the length of Postgres's longest identifier in bytes (NAMEDATALEN - 1). Longer ones it cuts without
// an error, so two of them can become one: see shorten.
const MaxIdentifier = 63

// The names of the tables that Segment's other calls fill (rule 1).
const (
	TableTracks     = "tracks"
	TableIdentifies = "identifies"
	TableUsers      = "users"
	TablePages      = "pages"
	TableScreens    = "screens"
	TableGroups     = "groups"
	TableAccounts   = "accounts"
	TableAliases    = "aliases"
)

// IsStandardTable reports whether name is one of the tables that Segment's calls fill by themselves.
func IsStandardTable(name string) bool {
	switch name {
	case TableTracks, TableIdentifies, TableUsers, TablePages, TableScreens, TableGroups, TableAccounts, TableAliases:
		return true
	}
	return false
}

// IsInternal reports whether name is one of Tapline's own tables in a source's schema.
func IsInternal(name string) bool {
	switch name {
	case "_loads", "_units", "_claims", "_quarantine", "_discards", "_columns", "_migrations", "_migration_files",
		"_widenings", "_widening_misfits": // while a column is widened
		return true
	}
	return false
}

// IsStandardColumn reports whether name is a column that the envelope fills, so that no property can (rule 7).
func IsStandardColumn(name string) bool {
	switch name {
	case "id", "received_at", "uuid_ts", "anonymous_id", "event", "event_text", "original_timestamp", "sent_at",
		"timestamp", "user_id":
		return true
	}
	return false
}

// isSystemColumn reports whether Postgres has a hidden column of that name in every table (rule 6).
func isSystemColumn(name string) bool {
	switch name {
	case "tableoid", "xmin", "xmax", "cmin", "cmax", "ctid":
		return true
	}
	return false
}

// TableName returns the table of a track event: the event's snake_case name by Segment's go-snakecase, with rules 3
// (nothing left of it), 4 (too long) and 6 (the name of a standard table).
func TableName(event string) string {
	name := snakecase.Snakecase(event)
	if name == "" {
		return "event_" + hash8(event)
	}
	if IsStandardTable(name) {
		return "_" + name
	}
	return shorten(name)
}

// ColumnName returns the column of a value at the given keys below properties or traits.
func ColumnName(keys ...string) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = element(k)
	}
	return columnName(strings.Join(parts, "_"))
}

// columnName finishes the snake_case name of a path into an identifier.
func columnName(snake string) string {
	if isSystemColumn(snake) {
		return "_" + snake
	}
	return shorten(snake)
}

// element returns the snake_case name of one key of a path (rules 2 and 3).
func element(key string) string {
	if name := snakecase.Snakecase(key); name != "" {
		return name
	}
	return "prop_" + hash8(key)
}

// shorten returns name unchanged if Postgres can hold it, else its first 54 bytes and 8 hex digits of its digest, so
// that two long names stay two (rule 4).
func shorten(name string) string {
	if len(name) <= MaxIdentifier {
		return name
	}
	return name[:54] + "_" + hash8(name)
}

func hash8(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// CheckNickname refuses a source nickname that cannot be written into a table, a log or a terminal as it is: one with a
// control character or that is no UTF-8. SchemaName asks the same.
func CheckNickname(nickname string) error {
	if !utf8.ValidString(nickname) {
		return fmt.Errorf("source nickname %q is not UTF-8: use letters, digits and _", nickname)
	}
	if strings.ContainsFunc(nickname, unicode.IsControl) {
		return fmt.Errorf("source nickname %q has a control character: use letters, digits and _", nickname)
	}
	return nil
}

// SchemaName returns the Postgres schema of a source's nickname: CleverTap_Prod becomes clevertap_prod (rule 34).
// The error says what is wrong with the nickname and what would do.
func SchemaName(nickname string) (string, error) {
	if err := CheckNickname(nickname); err != nil {
		return "", err
	}
	var b strings.Builder
	gap := false
	for _, c := range []byte(strings.ToLower(nickname)) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap = false
		b.WriteByte(c)
	}
	name := b.String()
	switch {
	case name == "":
		return "", fmt.Errorf("source nickname %q has no letter or digit: use a name such as CleverTap_Prod", nickname)
	case len(name) > MaxIdentifier:
		return "", fmt.Errorf("source nickname %q makes a schema name of %d bytes; Postgres holds %d: shorten it",
			nickname, len(name), MaxIdentifier)
	}
	if err := CheckSchemaName(name); err != nil {
		return "", fmt.Errorf("source nickname %q: %w", nickname, err)
	}
	return name, nil
}

// CheckSchemaName refuses names that belong to Postgres or to Tapline itself, and names that are no schema name of
// SchemaName's making. It is also the check of a name given by hand (--schema).
func CheckSchemaName(name string) error {
	switch {
	case name == "" || len(name) > MaxIdentifier:
		return fmt.Errorf("schema name %q must have 1 to %d bytes", name, MaxIdentifier)
	case strings.HasPrefix(name, "pg_"), name == "information_schema":
		return fmt.Errorf("schema name %q belongs to Postgres: choose another", name)
	case name == "public":
		return fmt.Errorf("schema name %q is shared by everybody: choose one for this source alone", name)
	case name == "tapline":
		return fmt.Errorf("schema name %q is Tapline's own: choose another", name)
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return fmt.Errorf("schema name %q: only a-z, 0-9 and _ are allowed", name)
		}
	}
	return nil
}
