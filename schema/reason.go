package schema

// Reason says why an event went to quarantine or a value to discards. The words are part of the data contract and are
// stored in the reason columns; the empty Reason means that nothing is wrong.
type Reason string

// Reasons of quarantine: no row in any event table, one row in _quarantine (rules 12, 14, 15, 17, 28-30).
const (
	EventTooLarge      Reason = "event_too_large"
	InvalidUTF8        Reason = "invalid_utf8"
	NestingTooDeep     Reason = "nesting_too_deep"
	InvalidJSON        Reason = "invalid_json"
	NotAnObject        Reason = "not_an_object"
	DuplicateKey       Reason = "duplicate_key" // also a discard's reason, for a repeated property key
	MissingType        Reason = "missing_type"
	UnknownType        Reason = "unknown_type"
	InvalidMessageID   Reason = "invalid_message_id"
	MessageIDTooLong   Reason = "message_id_too_long"
	InvalidUserID      Reason = "invalid_user_id"
	InvalidAnonymousID Reason = "invalid_anonymous_id"
	NoUserAnonID       Reason = "no_user_anon_id"
	MissingEvent       Reason = "missing_event"
	InvalidEvent       Reason = "invalid_event"
	InvalidProperties  Reason = "invalid_properties"
	InvalidContext     Reason = "invalid_context"
	TableLimit         Reason = "table_limit"
	UnknownTable       Reason = "unknown_table"
	WrongFieldCount    Reason = "wrong_field_count"
	UnclosedQuote      Reason = "unclosed_quote"
	// RejectedByDatabase is also a discard's reason, for a row of users or accounts.
	RejectedByDatabase Reason = "rejected_by_database"
)

// Reasons of discards: the row loads, one value could not be kept as sent (rules 7, 8, 11-13, 17, 19).
// NULCharacter and InvalidUnicode are reasons of quarantine too, for ids and event names.
const (
	ReservedColumn      Reason = "reserved_column"
	ColumnNameCollision Reason = "column_name_collision"
	TypeMismatch        Reason = "type_mismatch"
	NULCharacter        Reason = "nul_character"
	InvalidUnicode      Reason = "invalid_unicode"
	NumberOutOfRange    Reason = "number_out_of_range"
	ColumnLimit         Reason = "column_limit"
	RowTooLarge         Reason = "row_too_large"
	InvalidTimestamp    Reason = "invalid_timestamp"
	UnknownColumn       Reason = "unknown_column"
	IDTooLong           Reason = "id_too_long"
)
