package config

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Serve is what flags and file say of receiving and loading events. A zero field is left to the defaults.
type Serve struct {
	Listen          string   `yaml:"listen" doc:"Address that takes events. Defaults to 127.0.0.1:8480."`
	AdminListen     string   `yaml:"admin_listen" doc:"Address of metrics and health. Defaults to 127.0.0.1:8481; off for none."`
	Region          string   `yaml:"region" doc:"Region of this host; keys of sources of another region are refused."`
	PublicURL       string   `yaml:"public_url" doc:"Where browsers reach this host, if not where they say."`
	TLSCert         string   `yaml:"tls_cert" doc:"File of the certificate and those above it; read again when it changes."`
	TLSKey          string   `yaml:"tls_key" doc:"File of the certificate's key."`
	NATS            []string `yaml:"nats" doc:"URLs of NATS servers with JetStream, in place of the embedded one."`
	NATSListen      string   `yaml:"nats_listen" doc:"Loopback address at which the embedded server serves workers on this machine."`
	NATSTokenFile   string   `yaml:"nats_token_file" doc:"File of a token to sign in at NATS with, such as stream/token of the data folder."`
	NATSCreds       string   `yaml:"nats_creds" doc:"File of credentials to sign in there."`
	NATSNKey        string   `yaml:"nats_nkey" doc:"File of an NKey's seed to sign in there."`
	NATSCA          string   `yaml:"nats_ca" doc:"File of the certificates to trust there, instead of the system's."`
	NATSCert        string   `yaml:"nats_cert" doc:"File of the certificate to show there."`
	NATSKey         string   `yaml:"nats_key" doc:"File of that certificate's key."`
	NATSMonitors    []string `yaml:"nats_monitors" doc:"URLs of their monitoring ports, where they say that they sync. Defaults to port 8222."`
	NATSTrustSync   bool     `yaml:"nats_trust_sync" doc:"Do not look whether they sync: somebody has made sure."`
	NATSReplicas    int64    `yaml:"nats_replicas" doc:"How many servers of the cluster keep each stream. Defaults to 1."`
	StreamMaxBytes  string   `yaml:"stream_max_bytes" doc:"The most that waits of one source. Defaults to 8GiB."`
	LoadEvery       string   `yaml:"load_every" doc:"How long events wait at most until they are loaded. Defaults to 5s."`
	LoadBytes       string   `yaml:"load_bytes" doc:"Load earlier when so much of a source waits. Defaults to 32MiB."`
	EventsPerSecond int64    `yaml:"events_per_second" doc:"What each write key may send, in the long run; 0 for no limit."`
	Burst           int64    `yaml:"burst" doc:"How many events of a key may come at once. Defaults to events_per_second."`
}

// Defaults of Serve.
const (
	DefaultListen      = "127.0.0.1:8480"
	DefaultAdminListen = "127.0.0.1:8481"
	// DefaultWorkerListen is the AdminListen of a process that only loads.
	DefaultWorkerListen = "127.0.0.1:8482"
	// NoAdmin is the AdminListen of none.
	NoAdmin = "off"
)

// ValidServe is a Serve whose words have become values.
type ValidServe struct {
	LoadEvery                 time.Duration // 0 for the default
	LoadBytes, StreamMaxBytes int64         // 0 for the default
}

// Fill takes from the file what no flag has set, and then the defaults of addresses.
func (s *Serve) Fill(f Serve) {
	for _, text := range []struct{ to, from *string }{
		{&s.Listen, &f.Listen},
		{&s.AdminListen, &f.AdminListen},
		{&s.Region, &f.Region},
		{&s.PublicURL, &f.PublicURL},
		{&s.TLSCert, &f.TLSCert},
		{&s.TLSKey, &f.TLSKey},
		{&s.NATSListen, &f.NATSListen},
		{&s.NATSTokenFile, &f.NATSTokenFile},
		{&s.NATSCreds, &f.NATSCreds},
		{&s.NATSNKey, &f.NATSNKey},
		{&s.NATSCA, &f.NATSCA},
		{&s.NATSCert, &f.NATSCert},
		{&s.NATSKey, &f.NATSKey},
		{&s.StreamMaxBytes, &f.StreamMaxBytes},
		{&s.LoadEvery, &f.LoadEvery},
		{&s.LoadBytes, &f.LoadBytes},
	} {
		*text.to = cmp.Or(*text.to, *text.from)
	}
	for _, list := range []struct{ to, from *[]string }{{&s.NATS, &f.NATS}, {&s.NATSMonitors, &f.NATSMonitors}} {
		if len(*list.to) == 0 {
			*list.to = *list.from
		}
	}
	s.NATSTrustSync = s.NATSTrustSync || f.NATSTrustSync
	s.NATSReplicas = cmp.Or(s.NATSReplicas, f.NATSReplicas)
	s.EventsPerSecond = cmp.Or(s.EventsPerSecond, f.EventsPerSecond)
	s.Burst = cmp.Or(s.Burst, f.Burst)
	s.Listen = cmp.Or(s.Listen, DefaultListen)
	s.AdminListen = cmp.Or(s.AdminListen, DefaultAdminListen)
}

// Validate checks what can be checked without a server. The error is an *Error.
func (s *Serve) Validate() (v ValidServe, err error) {
	if err := checkAddress("--listen", s.Listen); err != nil {
		return v, err
	}
	if s.AdminListen != NoAdmin {
		if err := checkAddress("--admin-listen", s.AdminListen); err != nil {
			return v, err
		}
	}
	if err := CheckRegion("--region", s.Region); err != nil {
		return v, err
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return v, &Error{"--tls-cert", s.TLSCert, "a certificate needs its key, and the key its certificate", "give --tls-cert and --tls-key"}
	}
	if err := s.checkURLs(); err != nil {
		return v, err
	}
	if v.LoadEvery, err = loadEvery(s.LoadEvery); err != nil {
		return v, err
	}
	if v.LoadBytes, err = sizeOf("--load-bytes", s.LoadBytes, 64<<10); err != nil {
		return v, err
	}
	if v.StreamMaxBytes, err = sizeOf("--stream-max-bytes", s.StreamMaxBytes, 2<<20); err != nil {
		return v, err
	}
	return v, s.checkNumbers()
}

func (s *Serve) checkNumbers() error {
	for _, n := range []struct {
		flag  string
		value int64
		most  int64
	}{{"--events-per-second", s.EventsPerSecond, 1e9}, {"--burst", s.Burst, 1e9}, {"--nats-replicas", s.NATSReplicas, 5}} {
		if n.value < 0 || n.value > n.most {
			return &Error{n.flag, strconv.FormatInt(n.value, 10), fmt.Sprintf("no number from 0 to %d", n.most), ""}
		}
	}
	if s.Burst > 0 && s.EventsPerSecond == 0 {
		return &Error{"--burst", strconv.FormatInt(s.Burst, 10), "a burst without a rate", "give --events-per-second too"}
	}
	return nil
}

func (s *Serve) checkURLs() error {
	for _, u := range []struct {
		flag    string
		values  []string
		schemes []string
	}{
		{"--nats", s.NATS, []string{"nats", "tls"}},
		{"--nats-monitor", s.NATSMonitors, []string{"http", "https"}},
		{"--public-url", oneOrNone(s.PublicURL), []string{"http", "https"}},
	} {
		for _, value := range u.values {
			parsed, err := url.Parse(value)
			if err != nil || parsed.Host == "" || parsed.Scheme != u.schemes[0] && parsed.Scheme != u.schemes[1] {
				return &Error{u.flag, "", "no URL of " + AnyOf(u.schemes, ""), "give a URL such as " + u.schemes[0] + "://host:port"}
			}
		}
	}
	if s.NATSListen != "" {
		if err := checkAddress("--nats-listen", s.NATSListen); err != nil {
			return err
		}
	}
	return s.checkNATS()
}

// checkNATS checks how to sign in at external servers.
func (s *Serve) checkNATS() error {
	given := slices.DeleteFunc([]string{s.NATSCreds, s.NATSTokenFile, s.NATSNKey}, func(file string) bool { return file == "" })
	switch {
	case len(s.NATS) == 0 && (len(given) > 0 || s.NATSCA != "" || s.NATSCert != "" || s.NATSKey != "" ||
		len(s.NATSMonitors) > 0 || s.NATSTrustSync || s.NATSReplicas > 0):
		return &Error{"--nats", "", "not given, but settings of it are", "give the URL of the NATS servers, or leave the others out"}
	case len(given) > 1:
		return &Error{"--nats-creds", "", "several ways to sign in are given", "give one of --nats-creds, --nats-token-file and --nats-nkey"}
	case (s.NATSCert == "") != (s.NATSKey == ""):
		return &Error{"--nats-cert", s.NATSCert, "a certificate needs its key, and the key its certificate", "give --nats-cert and --nats-key"}
	}
	return nil
}

func oneOrNone(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func checkAddress(flag, address string) error {
	host, port, err := net.SplitHostPort(address)
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || n > 65535 || strings.ContainsAny(host, "/ ") {
		return &Error{flag, address, "no address", "give host:port, such as " + DefaultListen + ", or :8480 for all addresses of this machine"}
	}
	return nil
}

const minLoadEvery, maxLoadEvery = 100 * time.Millisecond, time.Hour

func loadEvery(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < minLoadEvery || d > maxLoadEvery {
		return 0, &Error{"--load-every", s, "no time from 100ms to 1h", "give a number with its unit, such as 5s"}
	}
	return d, nil
}

func sizeOf(flag, s string, least int64) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, ok := ParseSize(s)
	if !ok || n < least {
		return 0, &Error{flag, s, fmt.Sprintf("no size of %d bytes or more", least), "use a number with its unit, such as 24MiB"}
	}
	return n, nil
}

// checkServe returns what is wrong with the section serve.
func (f *File) checkServe() []error {
	s := f.Serve
	s.Fill(Serve{})
	_, err := s.Validate()
	if err == nil {
		return nil
	}
	wrong := err.(*Error) //nolint:errorlint,forcetypeassert // Validate returns no other
	key := strings.ReplaceAll(strings.TrimPrefix(wrong.Setting, "--"), "-", "_")
	problem := key
	if wrong.Value != "" {
		problem += fmt.Sprintf(" %q", wrong.Value)
	}
	return []error{f.wrong(problem+": "+wrong.Problem, wrong.Hint, "serve", key)}
}
