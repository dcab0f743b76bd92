package stream

import (
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// config is the stream that Tapline makes for a source.
func (b *Broker) config(name, subject string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: name, Subjects: []string{subject},
		Description: "Events on their way to the warehouse. Tapline removes what is loaded.",
		Storage:     jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		MaxBytes: b.opts.MaxBytes, MaxMsgs: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1, MaxConsumers: -1,
		Replicas: b.opts.Replicas, Duplicates: 2 * time.Minute,
		Metadata: map[string]string{"tapline": "1"},
	}
}

// setting is one thing about a stream that must be so.
type setting struct {
	name      string
	has       any
	wrong     bool
	risk, fix string
}

// checkStream returns a *SettingError for a stream with which acknowledged events may be lost.
func checkStream(c *jetstream.StreamConfig, subject string, replicas int) error {
	const (
		dropped = "events that were acknowledged may be dropped before they are loaded"
		edit    = "nats stream edit "
		anew    = "; it cannot be changed: load what the stream holds, remove it, and let Tapline make it"
	)
	for _, s := range []setting{
		{"storage", c.Storage, c.Storage != jetstream.FileStorage, "events are lost with the server's process", "it must be file" + anew},
		{"discard", c.Discard, c.Discard != jetstream.DiscardNew, dropped, edit + c.Name + " --discard=new"},
		{"max_age", c.MaxAge, c.MaxAge != 0, dropped, edit + c.Name + " --max-age=-1"},
		{"retention", c.Retention, c.Retention != jetstream.LimitsPolicy, dropped, "it must be limits" + anew},
		{
			"max_msgs_per_subject", c.MaxMsgsPerSubject, c.MaxMsgsPerSubject > 0 && !c.DiscardNewPerSubject, dropped,
			edit + c.Name + " --max-msgs-per-subject=-1",
		},
		{"num_replicas", c.Replicas, c.Replicas < replicas, "events are lost with fewer servers than was asked for", edit + c.Name + fmt.Sprintf(" --replicas=%d", replicas)},
		{"no_ack", c.NoAck, c.NoAck, "nothing is acknowledged", edit + c.Name + " --ack"},
		{"persist_mode", c.PersistMode, c.PersistMode != jetstream.DefaultPersistMode, "events are acknowledged before they are on disk", "it must be default" + anew},
		{"allow_rollup_hdrs", c.AllowRollup, c.AllowRollup, "one message may remove all before it", edit + c.Name + " --no-allow-rollup"},
		{"allow_msg_ttl", c.AllowMsgTTL, c.AllowMsgTTL, "messages may go before they are loaded", "it must be false" + anew},
		{"sealed", c.Sealed, c.Sealed, "nothing can be added", "remove the stream when it is loaded, and let Tapline make it"},
		{"deny_purge", c.DenyPurge, c.DenyPurge, "what is loaded can never be removed", "it must be false" + anew},
		{"mirror", "set", c.Mirror != nil, "nothing can be added", "remove the stream and let Tapline make it"},
		{"subjects", c.Subjects, !slices.Contains(c.Subjects, subject), "events do not get there", edit + c.Name + " --subjects=" + subject},
		{"subject_transform", "set", c.SubjectTransform != nil, "events do not get where they are looked for", "remove it"},
		{
			"max_msg_size", c.MaxMsgSize, c.MaxMsgSize > 0 && c.MaxMsgSize < MaxFrame, "a request of the largest size does not fit",
			edit + c.Name + " --max-msg-size=-1",
		},
	} {
		if s.wrong {
			return &SettingError{Where: "stream " + c.Name, Setting: s.name, Has: fmt.Sprint(s.has), Risk: s.risk, Fix: s.fix}
		}
	}
	return nil
}

// consumerName is the durable consumer that all workers share.
const consumerName = "tapline"

// maxInHand is how many frames all workers together may have in hand.
const maxInHand = 50_000

func (b *Broker) consumerConfig() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: consumerName, Description: "Frames that are not loaded yet. Do not acknowledge by hand.",
		DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.opts.AckWait,
		MaxDeliver: -1, MaxAckPending: maxInHand, ReplayPolicy: jetstream.ReplayInstantPolicy,
	}
}

// checkConsumer returns a *SettingError for a consumer that may leave frames out: what it leaves out would be purged.
func checkConsumer(c *jetstream.ConsumerConfig, stream string) error {
	const left = "frames may be left out, and then be removed although they are not loaded"
	fix := "nats consumer rm " + stream + " " + consumerName + ": Tapline makes it again, and loads nothing twice"
	for _, s := range []setting{
		{"deliver_policy", c.DeliverPolicy, c.DeliverPolicy != jetstream.DeliverAllPolicy, left, fix},
		{"ack_policy", c.AckPolicy, c.AckPolicy != jetstream.AckExplicitPolicy, left, fix},
		{"max_deliver", c.MaxDeliver, c.MaxDeliver > 0, left, fix},
		{"filter_subject", c.FilterSubject, c.FilterSubject != "" || len(c.FilterSubjects) > 0, left, fix},
		{"headers_only", c.HeadersOnly, c.HeadersOnly, "frames come without their content", fix},
		{"mem_storage", c.MemoryStorage, c.MemoryStorage, "what is acknowledged is forgotten with the server", fix},
	} {
		if s.wrong {
			return &SettingError{Where: "consumer " + consumerName + " of stream " + stream, Setting: s.name, Has: fmt.Sprint(s.has), Risk: s.risk, Fix: s.fix}
		}
	}
	return nil
}
