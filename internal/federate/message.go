package federate

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/segmentio/analytics-go/v3"

	"github.com/tapline/tapline/schema"
)

// namespace is that of the messageIds that are made from keys.
var namespace = uuid.MustParse("6f0c3d44-6c52-5a86-9d0e-3c8f1d2b7a41")

// longID is the length in characters from which on an id is a messageId as it is. Segment drops a message whose id it has
// seen, whichever customer that was from: a short id may be somebody else's too. Above maxID it takes none; only tables that
// others have filled have such.
const longID, maxID = 32, 100

// MessageID returns the messageId of a row: its id, or for a short one a UUID made of the source, the table and the id.
// It is the same whenever the row is sent.
func MessageID(source, table, id string) string {
	if n := utf8.RuneCountInString(id); n >= longID && n <= maxID {
		return id
	}
	return uuid.NewSHA1(namespace, []byte(source+"\x00"+table+"\x00"+id)).String()
}

// row is a row on its way to a message.
type row struct {
	id, messageID       string
	user, anonymous     string
	event, group, prior string
	name, category      string
	at                  time.Time
	values, context     map[string]any
}

// builder makes messages of rows.
type builder struct {
	source       string
	integrations analytics.Integrations
	hashKey      []byte
	sample       float64
}

// fill reads a row as Postgres has sent it.
func (b *builder) fill(r *row, t *table, values [][]byte) error {
	for i, raw := range values {
		if raw == nil {
			continue
		}
		c := &t.columns[i]
		switch c.role {
		case rowID:
			r.id = string(raw)
		case userID:
			r.user = string(raw)
		case anonymousID:
			r.anonymous = string(raw)
		case eventText:
			r.event = string(raw)
		case groupID:
			r.group = string(raw)
		case previousID:
			r.prior = string(raw)
		case pageName:
			r.name = string(raw)
		case category:
			r.category = string(raw)
		case timestamp:
			r.at, _ = instant(raw)
			if r.at.IsZero() { // the beginning of year 1, which the client would take for no time and make now
				r.at = r.at.In(time.FixedZone("UTC", 0))
			}
		default:
			v, err := b.value(c, raw)
			if err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
			r.put(c, v)
		}
	}
	r.messageID = MessageID(b.source, t.name, r.id)
	if r.event == "" {
		r.event = t.event
	}
	return nil
}

func (b *builder) value(c *column, raw []byte) (any, error) {
	v, err := c.value(raw)
	if err != nil || !c.hash {
		return v, err
	}
	mac := hmac.New(sha256.New, b.hashKey)
	mac.Write([]byte(text(v)))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// put puts a value where it stood in the event. Columns come by the length of their paths, so that a value never meets an
// object at its own place, only on the way to it.
func (r *row) put(c *column, v any) {
	root, name := &r.values, c.name
	if c.role == contextValue {
		root, name = &r.context, strings.TrimPrefix(name, "context_")
	}
	if *root == nil {
		*root = make(map[string]any, 24)
	}
	at := *root
	last := len(c.path) - 1
	for _, key := range c.path[:last] {
		inner, ok := at[key].(map[string]any)
		if !ok {
			if _, taken := at[key]; taken {
				// Once a value stood here and once an object, and the row has both: neither may get lost.
				(*root)[name] = v
				return
			}
			inner = map[string]any{}
			at[key] = inner
		}
		at = inner
	}
	if _, taken := at[c.path[last]]; taken {
		(*root)[name] = v
		return
	}
	at[c.path[last]] = v
}

// sampled reports whether the row's user is among those whose rows are sent.
func (b *builder) sampled(r *row) bool {
	if b.sample == 0 || b.sample == 1 {
		return true
	}
	who := r.user
	if who == "" {
		who = r.anonymous
	}
	sum := sha256.Sum256([]byte(who))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11)/(1<<53) < b.sample
}

// message makes the call that the row was.
func (b *builder) message(r *row, call schema.Call) analytics.Message {
	var ctx *analytics.Context
	if r.context != nil {
		ctx = &analytics.Context{Extra: r.context}
	}
	switch call {
	case schema.Identify:
		return analytics.Identify{
			MessageId: r.messageID, AnonymousId: r.anonymous, UserId: r.user, Timestamp: r.at, Context: ctx,
			Traits: r.values, Integrations: b.integrations,
		}
	case schema.Group:
		return analytics.Group{
			MessageId: r.messageID, AnonymousId: r.anonymous, UserId: r.user, GroupId: r.group, Timestamp: r.at, Context: ctx,
			Traits: r.values, Integrations: b.integrations,
		}
	case schema.Alias:
		return analytics.Alias{
			MessageId: r.messageID, PreviousId: r.prior, UserId: r.user, Timestamp: r.at, Context: ctx, Integrations: b.integrations,
		}
	case schema.Page:
		return analytics.Page{
			MessageId: r.messageID, AnonymousId: r.anonymous, UserId: r.user, Name: r.name, Timestamp: r.at, Context: ctx,
			Properties: r.named(), Integrations: b.integrations,
		}
	case schema.Screen:
		return analytics.Screen{
			MessageId: r.messageID, AnonymousId: r.anonymous, UserId: r.user, Name: r.name, Timestamp: r.at, Context: ctx,
			Properties: r.named(), Integrations: b.integrations,
		}
	}
	return analytics.Track{
		MessageId: r.messageID, AnonymousId: r.anonymous, UserId: r.user, Event: r.event, Timestamp: r.at, Context: ctx,
		Properties: r.values, Integrations: b.integrations,
	}
}

// named returns the properties of a page or screen. The client's messages have no place for a category; Segment's own
// libraries put it among the properties too.
func (r *row) named() analytics.Properties {
	if r.category == "" {
		return r.values
	}
	if r.values == nil {
		r.values = map[string]any{}
	}
	if _, taken := r.values["category"]; !taken {
		r.values["category"] = r.category
	}
	return r.values
}

// messageID returns the id of a message that the client hands back.
func messageID(m analytics.Message) string {
	switch m := m.(type) {
	case analytics.Track:
		return m.MessageId
	case analytics.Identify:
		return m.MessageId
	case analytics.Page:
		return m.MessageId
	case analytics.Screen:
		return m.MessageId
	case analytics.Group:
		return m.MessageId
	case analytics.Alias:
		return m.MessageId
	}
	return ""
}
