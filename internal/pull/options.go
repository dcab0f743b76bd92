// Package pull loads what CleverTap's Get Events API has: it decides which windows (an event on a local day) are to be read,
// reads them, and has them loaded.
package pull

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/loader"
)

// DefaultLookback is how many days after its end a window is still read again for late events.
const DefaultLookback = 2

// Options say what to pull, and into what. API, Location and Loader.Source are required.
type Options struct {
	// API is the account.
	API clevertap.Options
	// Pool is the database; it stays the caller's.
	Pool *pgxpool.Pool
	// Loader says how the events are loaded.
	Loader loader.Config
	// Location is the project's time zone: days are its days.
	Location *time.Location
	// UserIdentity is what becomes user_id: identity, email, phone or clevertap_id. Defaults to identity.
	UserIdentity string
	// Events are names of events, exactly as the account has them, beside the catalogue's and, if the account tells, those of
	// its schema. One that the account does not know fails.
	Events []string
	// Only pulls Events alone.
	Only bool
	// From and To are the first and the last day. From defaults to where a pull has to go on after the last one, or to the days of the
	// Lookback and one more; To to today. A To in the future is today.
	From, To clevertap.Day
	// Lookback is how many days after its end a window is still read again; negative: it is not. Defaults to DefaultLookback.
	Lookback int
	// Again reads also windows that need it no more.
	Again bool
	// TempDir is where windows are spooled. Defaults to the system's folder.
	TempDir string
	// Progress is called now and then, never by two goroutines at once. Defaults to none.
	Progress func(Progress)
	// Now defaults to time.Now.
	Now func() time.Time
}
