package cli

import "testing"

// A URL may have a password, which is told to nobody.
func TestStreamName(t *testing.T) {
	t.Parallel()
	s := &serving{flags: &serveFlags{}}
	s.flags.NATS = []string{"nats://user:secret@n1:4222", "tls://token@n2:4222", "nats://n3:4222"}
	if got, want := s.streamName(), "nats://n1:4222, tls://n2:4222, nats://n3:4222"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
