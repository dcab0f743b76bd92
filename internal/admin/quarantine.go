package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/schema"
)

// Reason counts the records in quarantine, or the discarded values, of one reason.
type Reason struct {
	Reason schema.Reason `json:"reason"`
	Count  int64         `json:"count"`
	// Replayed is how many of them were brought in by a replay; the others wait.
	Replayed int64 `json:"replayed"`
	// Last is when the newest was put there.
	Last *time.Time `json:"last"`
}

// Record is one record in quarantine.
type Record struct {
	ID         string        `json:"id"`
	Reason     schema.Reason `json:"reason"`
	Detail     string        `json:"detail"`
	Raw        []byte        `json:"raw_base64"`
	RawSize    int64         `json:"raw_size"`
	Source     string        `json:"source"`
	Unit       string        `json:"unit"`
	Line       int64         `json:"line"`
	Offset     int64         `json:"byte_offset"`
	Load       uuid.UUID     `json:"load"`
	ReceivedAt *time.Time    `json:"received_at"`
	LoadedAt   *time.Time    `json:"uuid_ts"`
	ReplayedAt *time.Time    `json:"replayed_at"`
	ReplayLoad *uuid.UUID    `json:"replay_load"`
}

// QuarantineReasons counts the records in a source's quarantine by reason, most first.
func QuarantineReasons(ctx context.Context, q Querier, schemaName string) ([]Reason, error) {
	return reasons(ctx, q, "select reason, count(*), count(replayed_at), max(uuid_ts) from "+
		ident(schemaName, "_quarantine")+" group by reason order by count(*) desc, reason")
}

// DiscardReasons counts the discarded values of a source by reason, most first.
func DiscardReasons(ctx context.Context, q Querier, schemaName string) ([]Reason, error) {
	return reasons(ctx, q, "select reason, count(*), count(replayed_at), max(uuid_ts) from "+
		ident(schemaName, "_discards")+" group by reason order by count(*) desc, reason")
}

func reasons(ctx context.Context, q Querier, sql string) ([]Reason, error) {
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("count reasons: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Reason])
	if err != nil {
		return nil, fmt.Errorf("count reasons: %w", err)
	}
	return out, nil
}

// Quarantine returns the newest records in a source's quarantine, of one reason or, if it is empty, of all. Raw is cut
// to maxRaw bytes.
func Quarantine(ctx context.Context, q Querier, schemaName string, reason schema.Reason, limit, maxRaw int) ([]Record, error) {
	rows, err := q.Query(ctx, "select "+recordColumns("substr(raw, 1, $3)")+" from "+ident(schemaName, "_quarantine")+
		" where $1 = '' or reason = $1 order by uuid_ts desc, unit, line, id limit $2", string(reason), limit, maxRaw)
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	records, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Record])
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	return records, nil
}

// ErrNotFound says that there is no load or record of that id.
var ErrNotFound = errors.New("not found")

// QuarantineRecord returns the one record whose id is, or begins with, id. The error is ErrNotFound if there is none.
func QuarantineRecord(ctx context.Context, q Querier, schemaName, id string) (Record, error) {
	rows, err := q.Query(ctx, "select "+recordColumns("raw")+" from "+ident(schemaName, "_quarantine")+
		` where id >= $1 and starts_with(id, $1) order by id limit 2`, id)
	if err != nil {
		return Record{}, fmt.Errorf("read quarantine: %w", err)
	}
	records, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Record])
	switch {
	case err != nil:
		return Record{}, fmt.Errorf("read quarantine: %w", err)
	case len(records) == 0:
		return Record{}, ErrNotFound
	case len(records) > 1 && records[0].ID != id:
		return Record{}, fmt.Errorf("several records have an id that begins %s: give more of it", id)
	}
	return records[0], nil
}

func recordColumns(raw string) string {
	return "id, reason, coalesce(detail, ''), " + raw + ", coalesce(raw_size, octet_length(raw), 0), coalesce(source, ''), " +
		"coalesce(unit, ''), coalesce(line, 0), coalesce(byte_offset, 0), " +
		"coalesce(load, '00000000-0000-0000-0000-000000000000'), received_at, uuid_ts, replayed_at, replay_load"
}
